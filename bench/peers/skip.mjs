// @ts-check

/** Why a peer cannot be measured on this machine. */
export class Skip extends Error {}
