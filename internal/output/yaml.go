package output

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// writeYAML keeps the order of the JSON members, and every string a string: "1" does not become a number.
func writeYAML(tree node) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := yaml.NewEncoder(&buffer)
	encoder.SetIndent(2)
	if err := encoder.Encode(yamlNode(tree)); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return buffer.Bytes(), nil
}

func yamlNode(n node) *yaml.Node {
	switch n.kind {
	case kindObject:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for i, item := range n.items {
			out.Content = append(out.Content, yamlScalar("!!str", n.names[i]), yamlNode(item))
		}
		return out
	case kindArray:
		out := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range n.items {
			out.Content = append(out.Content, yamlNode(item))
		}
		return out
	case kindText:
		return yamlScalar("!!str", n.text)
	case kindNumber:
		return yamlScalar("", n.text)
	case kindBoolean:
		return yamlScalar("!!bool", n.text)
	case kindNull:
	}
	return yamlScalar("!!null", "null")
}

func yamlScalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}
