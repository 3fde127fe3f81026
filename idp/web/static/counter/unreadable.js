// The text is no code that we can read. `reason` is one of the values of idp/digital_id/reasons.py.
export class Unreadable extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}
