/** What a person types to run this very code: in our own repository there may be no build to run. */
export const ourCommand = import.meta.url.endsWith(".ts") ? "npm run -s cli --" : "npx migration-sandbox";
