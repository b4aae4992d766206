/** Server id (`myid`), 0 to 254: it becomes the top byte of session ids. */
export type ServerId = number;

/**
 * Whether `members` servers of `voters` form a quorum: more than half (ZooKeeper's QuorumMaj).
 * @param voters  number of voting servers of the configuration
 * @param members number of distinct voters in the set
 */
export const isQuorum = (voters: number, members: number): boolean => members > Math.floor(voters / 2);
