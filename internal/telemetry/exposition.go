package telemetry

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// ContentType is what [Exposition] is, for HTTP.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Exposition is a tally in the text format of Prometheus, version 0.0.4. What no definition knows, as an older or newer
// program may have counted, is left out.
func Exposition(t Tally) []byte {
	var out bytes.Buffer
	for _, family := range Families(t) {
		d := family.Definition
		name := string(d.Name)
		out.WriteString("# HELP " + name + " " + d.Help + "\n# TYPE " + name + " " + string(d.Kind) + "\n")
		for _, s := range family.Series {
			if d.Kind != Histogram {
				sample(&out, name, d.Labels, s.values, "", s.Value)
				continue
			}
			for _, b := range s.Buckets {
				sample(&out, name+"_bucket", d.Labels, s.values, b.Most, float64(b.Count))
			}
			sample(&out, name+"_sum", d.Labels, s.values, "", s.Sum)
			sample(&out, name+"_count", d.Labels, s.values, "", float64(s.Count))
		}
	}
	return out.Bytes()
}

// Family is a metric with all its series.
type Family struct {
	Definition Definition     `json:"-"`
	Name       Metric         `json:"name"`
	Kind       MetricKind     `json:"type"`
	Help       string         `json:"help"`
	Series     []FamilySeries `json:"series"`
}

// FamilySeries is one series: a value, or of a histogram how many took how long.
type FamilySeries struct {
	Labels  map[string]string `json:"labels,omitempty"`
	Value   float64           `json:"value"`
	Count   uint64            `json:"count,omitempty"`
	Sum     float64           `json:"sumSeconds,omitempty"`
	Buckets []Bucket          `json:"buckets,omitempty"`

	values []string
}

// Bucket counts what took no longer than a bound.
type Bucket struct {
	Most  string `json:"le"` // seconds
	Count uint64 `json:"count"`
}

// Families sorts a tally by metric, in the order of the definitions. Metrics without any series are left out.
func Families(t Tally) []Family {
	byMetric := map[Metric]map[string]map[string]float64{}
	for series, value := range t {
		if byMetric[series.Metric] == nil {
			byMetric[series.Metric] = map[string]map[string]float64{}
		}
		if byMetric[series.Metric][series.Labels] == nil {
			byMetric[series.Metric][series.Labels] = map[string]float64{}
		}
		byMetric[series.Metric][series.Labels][series.Part] = value
	}
	list := []Family{}
	for _, d := range Definitions() {
		family := Family{Definition: d, Name: d.Name, Kind: d.Kind, Help: d.Help, Series: []FamilySeries{}}
		for labels, parts := range byMetric[d.Name] {
			s := FamilySeries{values: Series{Labels: labels}.Values()}
			if len(s.values) != len(d.Labels) {
				continue
			}
			for i, name := range d.Labels {
				if s.Labels == nil {
					s.Labels = map[string]string{}
				}
				s.Labels[name] = s.values[i]
			}
			if d.Kind == Histogram {
				s.fill(d.Buckets, parts)
			} else {
				s.Value = parts[""]
			}
			family.Series = append(family.Series, s)
		}
		slices.SortFunc(family.Series, func(a, b FamilySeries) int { return slices.Compare(a.values, b.values) })
		if len(family.Series) > 0 {
			list = append(list, family)
		}
	}
	return list
}

// fill adds the buckets up. One that is no bound any more counts where its values belong for sure.
func (s *FamilySeries) fill(bounds []float64, parts map[string]float64) {
	type part struct{ most, count float64 }
	var counted []part
	for name, count := range parts {
		if name == PartSum {
			s.Sum = count
			continue
		}
		most, err := strconv.ParseFloat(name, 64)
		if err == nil {
			counted = append(counted, part{most, count})
		}
	}
	slices.SortFunc(counted, func(a, b part) int { return cmp.Compare(a.most, b.most) })
	upTo := func(most float64) uint64 {
		n := 0.0
		for _, p := range counted {
			if p.most <= most {
				n += p.count
			}
		}
		return uint64(n)
	}
	for _, bound := range bounds {
		s.Buckets = append(s.Buckets, Bucket{Most: number(bound), Count: upTo(bound)})
	}
	for _, p := range counted {
		s.Count += uint64(p.count)
	}
	s.Value = float64(s.Count)
	s.Buckets = append(s.Buckets, Bucket{Most: infinity, Count: s.Count})
}

// sample writes one line; an empty bound is none.
func sample(out *bytes.Buffer, name string, labels, values []string, most string, value float64) {
	out.WriteString(name)
	begin := byte('{')
	for i, label := range labels {
		out.WriteByte(begin)
		begin = ','
		out.WriteString(label + `="` + escaped(values[i]) + `"`)
	}
	if most != "" {
		out.WriteByte(begin)
		begin = ','
		out.WriteString(`le="` + most + `"`)
	}
	if begin == ',' {
		out.WriteByte('}')
	}
	out.WriteString(" " + number(value) + "\n")
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

func escaped(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}
