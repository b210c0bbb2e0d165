"""Fetches a maildrop with poplib: reads a request as JSON from standard input, writes one file for each message."""

import json
import os
import poplib
import ssl
import sys

# poplib refuses lines over 2048 octets; the fixtures hold longer ones.
poplib._MAXLINE = 1_000_000


def connect(request):
    context = ssl.create_default_context(cafile=request["caFile"])
    where = {"host": request["host"], "port": request["port"], "timeout": request["silenceSeconds"]}
    if request["transport"] == "implicit":
        return poplib.POP3_SSL(**where, context=context)
    pop = poplib.POP3(**where)
    if request["transport"] == "stls":
        pop.stls(context)
    return pop


def main():
    request = json.load(sys.stdin)
    pop = connect(request)
    pop.user(request["user"])
    pop.pass_(request["password"])
    count, _ = pop.stat()
    for number in range(1, count + 1):
        _, lines, _ = pop.retr(number)
        with open(os.path.join(request["mail"], str(number)), "wb") as file:
            file.write(b"".join(line + b"\r\n" for line in lines))
        if not request["keep"]:
            pop.dele(number)
    if request["ending"] == "quit":
        pop.quit()
    else:
        pop.close()


main()
