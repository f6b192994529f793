// Judges the OpenAPI document named on the command line by Redocly's and Spectral's default rules; prints a JSON list.
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import spectralCore from "@stoplight/spectral-core";
import spectralRules from "@stoplight/spectral-rulesets";

const text = readFileSync(process.argv[2], "utf8");
const problems = [];
const config = await createConfig({ extends: ["recommended"] });
for (const found of await lintFromString({ source: text, absoluteRef: "openapi.json", config })) {
  problems.push(`redocly ${found.severity} ${found.ruleId} ${found.location[0]?.pointer}: ${found.message}`);
}
const spectral = new spectralCore.Spectral();
spectral.setRuleset({ extends: [spectralRules.oas] });
for (const found of await spectral.run(JSON.parse(text))) {
  problems.push(`spectral ${found.severity} ${found.code} ${found.path.join("/")}: ${found.message}`);
}
console.log(JSON.stringify(problems, null, 1));
