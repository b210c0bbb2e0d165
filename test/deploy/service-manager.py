"""What systemd does for a socket-activated service: holds its listening sockets, hands them to each process that it starts,
and takes what the processes tell it. Commands are JSON lines on standard input, what happens is JSON lines on standard output."""

import json
import os
import socket
import subprocess
import sys
import threading

directory = sys.argv[1]
names = sys.argv[2:]
sockets = []
for name in names:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    sockets.append(listening)
printing = threading.Lock()


def tell(**event):
    with printing:
        print(json.dumps(event), flush=True)


def take_notifications(service, receiver):
    while True:
        tell(event="told", service=service, text=receiver.recv(4096).decode())


def await_end(service, process):
    tell(event="ended", service=service, code=process.wait())


def start(service, command, environment):
    path = os.path.join(directory, service + ".notify")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)
    threading.Thread(target=take_notifications, args=(service, receiver), daemon=True).start()
    given = [os.dup(listening.fileno()) for listening in sockets]

    def hand_over():
        # Above all others first, so that none is overwritten before it has been moved.
        high = [os.dup2(fd, 500 + index) for index, fd in enumerate(given)]
        for index, fd in enumerate(high):
            os.dup2(fd, 3 + index, inheritable=True)

    with open(os.path.join(directory, service + ".log"), "wb") as log:
        # Only a process itself knows its id before it runs something else.
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False, preexec_fn=hand_over,
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": path, "LISTEN_FDS": str(len(names)),
                 "LISTEN_FDNAMES": ":".join(names), **environment},
        )
    for fd in given:
        os.close(fd)
    threading.Thread(target=await_end, args=(service, process), daemon=True).start()
    tell(event="started", service=service, pid=process.pid)


tell(event="holding", ports=[listening.getsockname()[1] for listening in sockets])
for line in sys.stdin:
    start(**json.loads(line))
