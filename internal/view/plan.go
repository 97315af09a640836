package view

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/openhostfactory/ohfp/internal/command"
)

// NewRequestPlan shows a plan.
func NewRequestPlan(plan command.RequestPlan) RequestPlan {
	v := RequestPlan{
		DryRun: true, Template: plan.Template, Count: plan.Count, Provider: plan.Provider, Placement: plan.Placement,
		PutOff: timestamp(plan.PutOff), VCPUs: plan.Order.Estimate.VCPUs, NoCost: plan.Order.Estimate.NoPrice,
	}
	if price := plan.Order.Estimate.Price; price > 0 {
		v.Cost = price.String()
	}
	if plan.Order.API != "" {
		v.Calls = []PlannedCall{{
			API: plan.Order.API, Count: plan.Order.Count, Offering: plan.Order.Offering, Call: shown(plan.Order.Call),
		}}
	}
	for _, t := range plan.Order.Estimate.Types {
		line := PlannedType{Type: t.Type, Lifecycle: t.Lifecycle, VCPUs: t.VCPUs, Source: t.Source}
		if t.Price > 0 {
			line.Cost = t.Price.String()
		}
		v.Types = append(v.Types, line)
	}
	return v
}

// shown is a provider's call without what is not set and without user data, which may hold secrets.
func shown(call json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(call))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil // a plan shows what there is to show
	}
	return pruned(value)
}

func pruned(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			text, isText := inner.(string)
			switch {
			case strings.EqualFold(name, "UserData") && isText && text != "":
				value[name] = "(not shown)"
			case inner == nil || isText && text == "":
				delete(value, name)
			default:
				value[name] = pruned(inner)
			}
		}
	case []any:
		for i := range value {
			value[i] = pruned(value[i])
		}
	}
	return value
}
