package templates

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// The fields that mean the same for every provider, as fold writes them.
const (
	fieldID           = "templateid"
	fieldName         = "name"
	fieldDescription  = "description"
	fieldProviderName = "providername"
	fieldProviderType = "providertype"
	fieldProviderAPI  = "providerapi"
	fieldMaxNumber    = "maxnumber"
	fieldCapacityUnit = "capacityunit"
	fieldTimeout      = "timeout"
	fieldAttributes   = "attributes"
)

// fold makes templateId and template_id the same.
func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// sharedField says which of the shared fields the name means, in Host Factory's spelling or with underscores.
func sharedField(name string) (string, bool) {
	switch folded := fold(name); folded {
	case "maxinstances": // what the system that this one replaces calls it in its own files
		return fieldMaxNumber, true
	case fieldID, fieldName, fieldDescription, fieldProviderName, fieldProviderType, fieldProviderAPI,
		fieldMaxNumber, fieldCapacityUnit, fieldTimeout, fieldAttributes:
		return folded, true
	default:
		return "", false
	}
}

// sharedOf lists the shared fields that a template of the store sets.
func sharedOf(t ohfp.Template) []string {
	names := []string{fieldID, fieldMaxNumber}
	for name, set := range map[string]bool{
		fieldName: t.Name != "", fieldDescription: t.Description != "", fieldProviderName: t.ProviderName != "",
		fieldProviderType: t.ProviderType != "", fieldProviderAPI: t.ProviderAPI != "",
		fieldCapacityUnit: t.CapacityUnit != "", fieldTimeout: t.Timeout != 0, fieldAttributes: t.Attributes != nil,
	} {
		if set {
			names = append(names, name)
		}
	}
	return names
}

// set gives a shared field its value.
func (d *draft) set(name string, value json.RawMessage) error {
	t := &d.template
	shared, _ := sharedField(name)
	switch shared {
	case fieldMaxNumber:
		n, err := wholeNumber(value)
		if err != nil {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write -1 (unlimited) or 0 to %d", name, value, ohfp.UnlimitedMachines)
		}
		t.MaxNumber = n
		return nil
	case fieldTimeout:
		timeout, err := seconds(value)
		if err != nil {
			return ohfp.Errorf(ohfp.ErrInvalid, `%s is %s; write a duration such as "90s" or "10m", or a number of seconds`, name, value)
		}
		t.Timeout = timeout
		return nil
	case fieldAttributes:
		if err := json.Unmarshal(value, &t.Attributes); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s is %s; write text", name, value)
	}
	switch shared {
	case fieldID:
		t.ID = ohfp.TemplateID(text)
	case fieldName:
		t.Name = text
	case fieldDescription:
		t.Description = text
	case fieldProviderName:
		t.ProviderName = text
	case fieldProviderType:
		t.ProviderType = text
	case fieldProviderAPI:
		t.ProviderAPI = text
	case fieldCapacityUnit:
		t.CapacityUnit = ohfp.CapacityUnit(text)
	}
	return nil
}

// wholeNumber reads 10, "10" and 10.0.
func wholeNumber(value json.RawMessage) (int, error) {
	number, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
		return 0, fmt.Errorf("%s is not a whole number", value)
	}
	return int(number), nil
}

// seconds reads "10m", and numbers as seconds.
func seconds(value json.RawMessage) (time.Duration, error) {
	text := strings.Trim(string(value), `"`)
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		if !(number >= 0 && number < math.MaxInt64/float64(time.Second)) {
			return 0, fmt.Errorf("%s is out of range", value)
		}
		return time.Duration(number * float64(time.Second)), nil
	}
	d, err := ohfp.ParseDuration(text)
	if err == nil && d < 0 {
		return 0, fmt.Errorf("%s is negative", value)
	}
	return d, err
}
