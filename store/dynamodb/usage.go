package dynamodb

import (
	"maps"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func copyUsage(used store.Usage) store.Usage {
	after := store.NewUsage()
	maps.Copy(after.Templates, used.Templates)
	maps.Copy(after.Providers, used.Providers)
	maps.Copy(after.Costs, used.Costs)
	return after
}

// count adds what a request counts, and discount takes it away. What is nothing is not mentioned.
func count(used store.Usage, h *head) { used.Add(h.template, h.with, h.units, h.cost) }

func discount(used store.Usage, h *head) {
	used.Add(h.template, h.with, -h.units, ohfp.Cost{}.Minus(h.cost))
}

// mentioned leaves out what has become nothing.
func mentioned(used store.Usage) store.Usage {
	maps.DeleteFunc(used.Templates, func(_ ohfp.TemplateID, units int) bool { return units == 0 })
	maps.DeleteFunc(used.Providers, func(_ string, units int) bool { return units == 0 })
	maps.DeleteFunc(used.Costs, func(_ string, cost ohfp.Cost) bool { return cost == ohfp.Cost{} })
	return used
}
