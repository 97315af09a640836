package ohfp

import (
	"math"
	"strconv"
	"strings"
)

// Price is in millionths of a US dollar an hour.
type Price int64

// String is the price in dollars, without zeros at its end.
func (p Price) String() string {
	text := strconv.FormatInt(int64(p), 10)
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	if len(text) < 7 {
		text = strings.Repeat("0", 7-len(text)) + text
	}
	whole, rest := text[:len(text)-6], strings.TrimRight(text[len(text)-6:], "0")
	if rest == "" {
		return sign + whole
	}
	return sign + whole + "." + rest
}

// maxDollars keeps sums of ten thousand machines far from where a Price ends.
const maxDollars = 1_000_000

// ParsePrice reads dollars an hour, such as 0.096. What is below a millionth is rounded up.
func ParsePrice(dollars string) (Price, error) {
	value, err := strconv.ParseFloat(dollars, 64)
	if err != nil || !(value >= 0 && value <= maxDollars) {
		return 0, Errorf(ErrInvalid, "price %q is not an amount of dollars; write a number from 0 to %d, such as 0.096", dollars, maxDollars)
	}
	// Binary fractions may be a little more than what was written; a thousandth of the unit forgives that.
	return Price(math.Ceil(value*1e6 - 1e-3)), nil
}

// Cost is what machines use up of the limits on processors and money. A zero figure is not known.
type Cost struct {
	VCPUs  int    `json:"vcpus,omitempty"`
	Price  Price  `json:"price,omitempty"`
	Source string `json:"priceSource,omitempty"` // where the price is from; empty in sums
}

// Plus adds costs. What is not known adds nothing.
func (c Cost) Plus(other Cost) Cost {
	return Cost{VCPUs: c.VCPUs + other.VCPUs, Price: c.Price + other.Price}
}

// Minus takes away what Plus has added.
func (c Cost) Minus(other Cost) Cost {
	return Cost{VCPUs: c.VCPUs - other.VCPUs, Price: c.Price - other.Price}
}

// Or is the greater of both in each figure.
func (c Cost) Or(other Cost) Cost {
	return Cost{VCPUs: max(c.VCPUs, other.VCPUs), Price: max(c.Price, other.Price)}
}

// Estimate is what the machines of a request may cost, as its provider saw it when the request was made.
type Estimate struct {
	VCPUs   int        `json:"vcpus,omitempty"`   // the most that all of them have at a time; 0: not known
	Price   Price      `json:"price,omitempty"`   // the most that all of them cost; 0: not known
	NoVCPUs string     `json:"noVcpus,omitempty"` // why VCPUs is not known
	NoPrice string     `json:"noPrice,omitempty"` // why Price is not known
	Types   []TypeCost `json:"types,omitempty"`   // what one machine costs, by what it may be
}

// TypeCost is what one machine of a type costs, paid for in one way.
type TypeCost struct {
	Type      string    `json:"type"`
	Lifecycle Lifecycle `json:"lifecycle"`
	Units     int       `json:"units,omitempty"` // that one machine counts for; 0 is 1
	Cost
}

// NewEstimate estimates count machines, or units, when each machine may be any of the types. Nobody knows which, so each
// unit counts as the dearest. A cloud launches whole machines and may exceed the count by all but one of the units of the
// largest; that is included. Where the figure of one type is not known, the sum is not known either.
func NewEstimate(count int, types []TypeCost) Estimate {
	e := Estimate{Types: types}
	if len(types) == 0 {
		e.NoVCPUs = "its machine types are not known beforehand"
		e.NoPrice = e.NoVCPUs
		return e
	}
	whole := 1
	for _, t := range types {
		whole = max(whole, t.Units)
	}
	count += whole - 1
	for _, t := range types {
		units := max(t.Units, 1)
		if t.VCPUs == 0 && e.NoVCPUs == "" {
			e.NoVCPUs = "how many " + t.Type + " has is not known"
		}
		if t.Price == 0 && e.NoPrice == "" {
			e.NoPrice = "no price is known of " + t.Type + ", " + string(t.Lifecycle)
		}
		e.VCPUs = max(e.VCPUs, (t.VCPUs*count+units-1)/units)
		e.Price = max(e.Price, (t.Price*Price(count)+Price(units)-1)/Price(units))
	}
	if e.NoVCPUs != "" {
		e.VCPUs = 0
	}
	if e.NoPrice != "" {
		e.Price = 0
	}
	return e
}

// Cost is the estimate as a sum.
func (e Estimate) Cost() Cost { return Cost{VCPUs: e.VCPUs, Price: e.Price} }

// appraise sets what a machine costs by its type and lifecycle, or by its type alone. A type that the estimate does not
// list has no known cost.
func (r Request) appraise(m *Machine) {
	byType := false
	for _, t := range r.Estimate.Types {
		switch {
		case t.Type != m.Type:
		case t.Lifecycle == m.Lifecycle:
			m.Cost = t.Cost
			return
		case !byType:
			byType = true
			m.Cost = t.Cost
		}
	}
}
