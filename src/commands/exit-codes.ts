/** What the process ends with; wrong usage and wrong configuration as in sysexits.h. */
export const exitCodes = { fine: 0, failed: 1, wrongUsage: 64, wrongConfiguration: 78 } as const;
