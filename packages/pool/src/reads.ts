/** What is known of the relations that one text reads, or all texts of its shape (relation-knowledge.ts). */
export class Reads {
  /** As of which state of what is known; states are counted from 1. */
  asOf = 0;
  arePlain = false;
}
