export async function benchPublish(_runs: number): Promise<void> {}
