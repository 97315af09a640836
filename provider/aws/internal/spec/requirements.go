package spec

import (
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/payload"
)

// requirements are what a machine type must have, in EC2's words, instead of its name.
type requirements types.InstanceRequirementsRequest

// UnmarshalJSON reads {"VCpuCount": {"Min": 4, "Max": 8}, "MemoryMiB": {"Min": 8192}, …} strictly.
func (r *requirements) UnmarshalJSON(data []byte) error {
	document, err := payload.Parse(data)
	if err != nil {
		return err
	}
	var decoded types.InstanceRequirementsRequest
	if err := payload.Decode(document, &decoded); err != nil {
		return err
	}
	*r = requirements(decoded)
	return r.check()
}

// check refuses what EC2 does, before a request waits for it.
func (r *requirements) check() error {
	switch {
	case r.VCpuCount == nil || r.VCpuCount.Min == nil:
		return ohfp.Errorf(ohfp.ErrInvalid, "VCpuCount.Min is missing; EC2 needs the least number of virtual processors")
	case r.MemoryMiB == nil || r.MemoryMiB.Min == nil:
		return ohfp.Errorf(ohfp.ErrInvalid, "MemoryMiB.Min is missing; EC2 needs the least memory")
	case len(r.AllowedInstanceTypes) > 0 && len(r.ExcludedInstanceTypes) > 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "AllowedInstanceTypes and ExcludedInstanceTypes are both set; keep one of them")
	case r.SpotMaxPricePercentageOverLowestPrice != nil && r.MaxSpotPriceAsPercentageOfOptimalOnDemandPrice != nil:
		return ohfp.Errorf(ohfp.ErrInvalid,
			"SpotMaxPricePercentageOverLowestPrice and MaxSpotPriceAsPercentageOfOptimalOnDemandPrice are both set; keep one of them")
	}
	return checkRanges(reflect.ValueOf(*r))
}

// checkRanges looks at every {Min, Max} among the requirements.
func checkRanges(all reflect.Value) error {
	for i := range all.NumField() {
		name, field := all.Type().Field(i).Name, all.Field(i)
		if field.Kind() != reflect.Pointer || field.IsNil() || field.Elem().Kind() != reflect.Struct {
			continue
		}
		least, least1 := bound(field.Elem(), "Min")
		most, most1 := bound(field.Elem(), "Max")
		switch {
		case least1 && least < 0:
			return ohfp.Errorf(ohfp.ErrInvalid, "%s.Min is below zero; use 0 or more", name)
		case least1 && most1 && most < least:
			return ohfp.Errorf(ohfp.ErrInvalid, "%s.Max is below %s.Min; swap them", name, name)
		case !least1 && !most1 && !strings.HasPrefix(name, "BaselinePerformance"):
			return ohfp.Errorf(ohfp.ErrInvalid, "%s has neither Min nor Max; set one or remove it", name)
		}
	}
	return nil
}

// bound is a number that a range may give.
func bound(of reflect.Value, name string) (float64, bool) {
	field := of.FieldByName(name)
	if !field.IsValid() || field.IsNil() {
		return 0, false
	}
	if number := field.Elem(); number.CanInt() {
		return float64(number.Int()), true
	}
	return field.Elem().Float(), true
}
