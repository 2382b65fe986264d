// Where the board is, who asks, and waiting with a bound.

export const BOARD_URL = process.env["BOARD_URL"] ?? "";
export const COOKIE = process.env["BOARD_COOKIE"] ?? "";

const PATIENCE = 15_000; // milliseconds until what should happen has not

export function within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// GraphQL says nothing when a subscription has begun; the board's /health/ counts it.
export async function subscriptionsAre(count: number): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const response = await fetch(`${BOARD_URL}/health/`);
    const { subscriptions } = (await response.json()) as { subscriptions: number };
    if (subscriptions === count) return;
    if (Date.now() > end) throw new Error(`there are ${subscriptions} subscriptions`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function finish(work: Promise<unknown>): Promise<void> {
  try {
    process.stdout.write(`${JSON.stringify(await work)}\n`);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
