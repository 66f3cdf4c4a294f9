export async function benchScrape(_runs: number): Promise<void> {}
