export async function benchScrape(): Promise<void> {}
