package spec

import (
	"slices"

	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// Clone returns a copy that shares nothing with the original that can be written to, but for Requirements and Native,
// which both have.
func (s Spec) Clone() Spec {
	s.Types, s.OnDemandTypes = cloneTypes(s.Types), cloneTypes(s.OnDemandTypes)
	s.Subnets, s.SecurityGroups, s.Tags = slices.Clone(s.Subnets), slices.Clone(s.SecurityGroups), slices.Clone(s.Tags)
	s.Monitoring, s.EBSOptimized, s.PublicIP = clonePointer(s.Monitoring), clonePointer(s.EBSOptimized), clonePointer(s.PublicIP)
	s.PercentOnDemand = clonePointer(s.PercentOnDemand)
	// Their names and what they hold are read here alone; fields are shown to others.
	fields := make(strict.Object, len(s.fields))
	for name, value := range s.fields {
		fields[name] = slices.Clone(value)
	}
	s.fields = fields
	return s
}

func cloneTypes(list []Type) []Type {
	list = slices.Clone(list)
	for i := range list {
		list[i].Priority = clonePointer(list[i].Priority)
	}
	return list
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	value := *p
	return &value
}
