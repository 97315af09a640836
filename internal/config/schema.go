package config

import (
	"strings"
)

// OwnSetting is a setting in the config of a provider type.
type OwnSetting struct {
	Name        string // words joined by dots; <…> for a name that the operator chooses
	Kind        Kind
	Default     string
	Words       []string
	Description string
}

// schema is a part of a JSON Schema.
type schema = map[string]any

// Schema is the JSON Schema (2020-12) of configuration files, generated from the table of settings, with the own settings of each
// provider type.
func Schema(types map[string][]OwnSetting) map[string]any {
	root := object("The configuration of ohfp. Unknown settings are errors.")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "ohfp configuration"
	var providers, sinks []Key
	for _, key := range Keys() {
		name := key.Name
		if rest, ok := strings.CutPrefix(name, "providers[]."); ok {
			key.Name = rest
			providers = append(providers, key)
			continue
		}
		if rest, ok := strings.CutPrefix(name, "events.sinks[]."); ok {
			key.Name = rest
			sinks = append(sinks, key)
			continue
		}
		if strings.Contains(name, "<") {
			continue
		}
		put(root, name, valueSchema(key))
		for _, alias := range key.Aliases {
			also := valueSchema(key)
			also["deprecated"] = true
			also["description"] = "The same as " + name + "."
			put(root, alias, also)
		}
	}
	put(root, "providers", listOf("The configured provider instances.", providerSchema(providers, types)))
	put(root, "events.sinks", listOf("Where events go besides the store.", entrySchema(sinks, "name", "type")))
	defaults := object("Template fields for every template of a provider type that does not set them.")
	defaults["properties"] = schema{"template_defaults": schema{"type": []string{"object", "null"}}}
	put(root, "provider_defaults", schema{"type": []string{"object", "null"}, "additionalProperties": defaults})
	return root
}

// object is a closed object, or null, which is the same as nothing.
func object(description string) schema {
	s := schema{"type": []string{"object", "null"}, "properties": schema{}, "additionalProperties": false}
	if description != "" {
		s["description"] = description
	}
	return s
}

func listOf(description string, items schema) schema {
	return schema{"type": []string{"array", "null"}, "description": description, "items": items}
}

// put places a part under its name, below objects for the words before the last.
func put(root schema, name string, part schema) {
	words := strings.Split(name, ".")
	for i, word := range words {
		if strings.HasPrefix(word, "<") {
			if i == len(words)-1 {
				root["additionalProperties"] = part
				return
			}
			next, ok := root["additionalProperties"].(schema)
			if !ok {
				next = object("")
				root["additionalProperties"] = next
			}
			root = next
			continue
		}
		properties, ok := root["properties"].(schema)
		if !ok {
			return // the words before name a value, which the tables rule out
		}
		if i == len(words)-1 {
			properties[word] = part
			return
		}
		next, ok := properties[word].(schema)
		if !ok {
			next = object("")
			properties[word] = next
		}
		root = next
	}
}

func entrySchema(keys []Key, required ...string) schema {
	entry := object("")
	entry["type"], entry["required"] = "object", required
	for _, key := range keys {
		put(entry, key.Name, valueSchema(key))
	}
	return entry
}

// providerSchema is one provider: its type decides what its config may have.
func providerSchema(keys []Key, types map[string][]OwnSetting) schema {
	entry := entrySchema(keys, "name", "type")
	var rules []schema
	for kind, settings := range types {
		own := object("The settings of the type " + kind + ".")
		for _, s := range settings {
			put(own, s.Name, valueSchema(Key{Kind: s.Kind, Default: s.Default, Words: s.Words, Description: s.Description}))
		}
		rules = append(rules, schema{
			"if":   schema{"properties": schema{"type": schema{"const": kind}}},
			"then": schema{"properties": schema{"config": own}},
		})
	}
	if len(rules) > 0 {
		entry["allOf"] = rules
	}
	return entry
}

// inText matches text in which a variable stands, so that what it will be is not known.
const inText = `\$`

// valueSchema is one value. Numbers and truth values may also be written as text, and anything may come from a variable.
func valueSchema(key Key) schema {
	s := schema{}
	switch key.Kind {
	case KindTruth:
		s["anyOf"] = []schema{{"type": []string{"boolean", "null"}}, {"enum": []any{"true", "false", "yes", "no", "on", "off", "1", "0", 1, 0}}, inVariable()}
	case KindCount:
		number := schema{"type": "integer"}
		if key.Least != key.Most {
			number["minimum"], number["maximum"] = key.Least, key.Most
		}
		s["anyOf"] = []schema{number, {"type": "null"}, {"type": "string", "pattern": `^-?[0-9]+$`}, inVariable()}
	case KindAmount:
		s["anyOf"] = []schema{{"type": "number", "minimum": 0}, {"type": "null"}, {"type": "string", "pattern": `^[0-9.]+$`}, inVariable()}
	case KindDuration:
		s["type"] = []string{"string", "number", "null"}
	case KindList:
		s["type"], s["items"] = []string{"array", "string", "number", "null"}, schema{"type": []string{"string", "number"}}
	case KindObject:
		s["type"] = []string{"object", "null"}
	default:
		if len(key.Words) > 0 {
			words := []any{nil}
			for _, word := range key.Words {
				words = append(words, word)
			}
			s["anyOf"] = []schema{{"enum": words}, inVariable()}
		} else {
			s["type"] = []string{"string", "number", "boolean", "null"}
		}
	}
	if key.Description != "" {
		s["description"] = key.Description
	}
	if key.Default != "" {
		s["default"] = key.Default
	}
	if key.Secret {
		s["writeOnly"] = true
	}
	return s
}

func inVariable() schema { return schema{"type": "string", "pattern": inText} }
