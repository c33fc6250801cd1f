// The server's clock as far as we can tell. A demo's world runs faster than ours, so the rate is measured too.

/** Fastest world we follow. Beyond it an observation is taken for a jump. */
const RATE_MAX = 100_000;
/** Observations closer together than this say nothing about the rate. */
const RATE_SPAN_MIN_MS = 1_000;

interface Observation {
  server: number;
  local: number;
}

export class Clock {
  #base: Observation | null = null;
  #rate = 1;
  #local: () => number;

  constructor(local: () => number = () => Date.now()) {
    this.#local = local;
  }

  observe(serverMs: number): void {
    const local = this.#local();
    const base = this.#base;
    if (base && local - base.local >= RATE_SPAN_MIN_MS) {
      const rate = (serverMs - base.server) / (local - base.local);
      this.#rate = rate > 0.5 && rate < RATE_MAX ? rate : 1;
      // Ordinary jitter of the network is no reason to run fast or slow.
      if (Math.abs(this.#rate - 1) < 0.2) this.#rate = 1;
    }
    this.#base = { server: serverMs, local };
  }

  now(): number {
    const local = this.#local();
    if (!this.#base) return local;
    return this.#base.server + (local - this.#base.local) * this.#rate;
  }
}
