package awssim

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

type xmlSample struct {
	Text     string      `reply:"text"`
	Absent   string      `reply:"absent,omitempty"`
	Number   int         `reply:"number"`
	Price    float64     `reply:"price"`
	Flag     *bool       `reply:"flag,omitempty"`
	Nothing  *int        `reply:"nothing"`
	At       time.Time   `reply:"at"`
	Names    []string    `reply:"nameSet,item=name"`
	Empty    []string    `reply:"emptySet"`
	Tags     []Tag       `reply:"tagSet"`
	Inner    stateReply  `reply:"inner"`
	Pointer  *stateReply `reply:"pointer,omitempty"`
	internal int
	groupReply
}

func TestEncodeReply(t *testing.T) {
	t.Parallel()
	got := string(encodeEC2Reply("Sample", "id-1", xmlSample{
		Text: `<a> & "b"`, Number: 0, Price: 0.25, Flag: new(bool), At: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600)),
		Names: []string{"x", "y"}, Tags: []Tag{{"k", "v"}}, Inner: stateReply{16, "running"}, internal: 1, groupReply: groupReply{"g", ""},
	}))
	want := `<?xml version="1.0" encoding="UTF-8"?>
<SampleResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id-1</requestId>` +
		`<text>&lt;a&gt; &amp; &#34;b&#34;</text><number>0</number><price>0.25</price><flag>false</flag><nothing></nothing>` +
		`<at>2026-01-02T02:04:05.006Z</at><nameSet><name>x</name><name>y</name></nameSet><emptySet></emptySet>` +
		`<tagSet><item><key>k</key><value>v</value></item></tagSet><inner><code>16</code><name>running</name></inner>` +
		`<groupId>g</groupId><groupName></groupName></SampleResponse>`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzEncodeText(f *testing.F) {
	for _, seed := range []string{"", "plain", "a<b>&\"'", "\x00\x01\n\t\r", "ünï", "\xff\xfe", "]]>", "\ufffe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		document := encodeEC2Error(&apiError{Status: 400, Code: "Code", Message: text}, "id")
		var parsed struct {
			Message string `xml:"Errors>Error>Message"`
		}
		if err := xml.Unmarshal(document, &parsed); err != nil {
			t.Fatalf("%q: %v in %s", text, err, document)
		}
		for _, r := range text {
			// What XML cannot carry comes back as the replacement character.
			if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == '\ufffe' || r == '\uffff' {
				return
			}
		}
		if utf8.ValidString(text) && parsed.Message != text && !strings.Contains(text, "\r") {
			t.Fatalf("%q came back as %q", text, parsed.Message)
		}
	})
}
