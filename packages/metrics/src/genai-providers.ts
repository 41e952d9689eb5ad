/** The conventions' names of providers, and others of the same, mostly those of the AI SDK and of LangChain; in lower case. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  anthropic: [],
  'aws.bedrock': ['amazon-bedrock', 'amazon_bedrock', 'bedrock'],
  'azure.ai.inference': [],
  'azure.ai.openai': ['azure', 'azure-openai', 'azure_openai'],
  cohere: [],
  deepseek: [],
  'gcp.gemini': ['google.generative-ai', 'google_genai'],
  // Any of Google's.
  'gcp.gen_ai': ['google'],
  'gcp.vertex_ai': ['google.vertex.chat', 'google-vertex', 'google_vertexai', 'vertex'],
  groq: [],
  'ibm.watsonx.ai': ['watsonx'],
  mistral_ai: ['mistral', 'mistralai'],
  moonshot_ai: ['moonshot', 'moonshotai'],
  openai: [],
  perplexity: [],
  x_ai: ['xai'],
};
const conventional: ReadonlyMap<string, string> = new Map(
  Object.entries(otherNames).flatMap(([name, others]) => [name, ...others].map((other) => [other, name])),
);

/** Returns the conventions' name of a provider, or its own where they have none. */
export function genaiProvider(provider: string): string {
  const name = provider.toLowerCase();
  // The AI SDK appends the API, as in `xai.chat`.
  return conventional.get(name) ?? conventional.get(name.split('.')[0] as string) ?? provider;
}
