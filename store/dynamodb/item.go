package dynamodb

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is what DynamoDB keeps under a key. An attribute that would be empty is left out, which reads the same.
type item map[string]types.AttributeValue

// key names an item: its partition, and its place in the order of that partition.
type key struct{ partition, sort string }

// The attributes of every item.
const (
	partitionKey = "pk"
	sortKey      = "sk"
)

// single is the sort key of items that have their partition for themselves.
const single = "-"

func (k key) item() item { return item{partitionKey: text(k.partition), sortKey: text(k.sort)} }

func (i item) key() key { return key{i.text(partitionKey), i.text(sortKey)} }

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func bytesOf(value []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: value} }

func number(value int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}
}

func (i item) setText(name, value string) {
	if value != "" {
		i[name] = text(value)
	}
}

func (i item) setNumber(name string, value int64) {
	if value != 0 {
		i[name] = number(value)
	}
}

func (i item) setFlag(name string, value bool) {
	if value {
		i[name] = flag(true)
	}
}

func (i item) setBytes(name string, value []byte) {
	if len(value) > 0 {
		i[name] = &types.AttributeValueMemberB{Value: value}
	}
}

func setTexts[T ~string](i item, name string, values []T) {
	if len(values) == 0 {
		return
	}
	list := make([]types.AttributeValue, len(values))
	for at, value := range values {
		list[at] = text(string(value))
	}
	i[name] = &types.AttributeValueMemberL{Value: list}
}

func (i item) setItems(name string, values []item) {
	if len(values) == 0 {
		return
	}
	list := make([]types.AttributeValue, len(values))
	for at, value := range values {
		list[at] = &types.AttributeValueMemberM{Value: value}
	}
	i[name] = &types.AttributeValueMemberL{Value: list}
}

func (i item) text(name string) string {
	if value, ok := i[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}

func (i item) number(name string) int64 {
	if value, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(value.Value, 10, 64) // only this program writes them
		return n
	}
	return 0
}

func (i item) flag(name string) bool {
	value, ok := i[name].(*types.AttributeValueMemberBOOL)
	return ok && value.Value
}

func (i item) bytes(name string) []byte {
	if value, ok := i[name].(*types.AttributeValueMemberB); ok {
		return value.Value
	}
	return nil
}

func texts[T ~string](i item, name string) []T {
	list, ok := i[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	values := make([]T, 0, len(list.Value))
	for _, one := range list.Value {
		if value, ok := one.(*types.AttributeValueMemberS); ok {
			values = append(values, T(value.Value))
		}
	}
	return values
}

func (i item) items(name string) []item {
	list, ok := i[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	values := make([]item, 0, len(list.Value))
	for _, one := range list.Value {
		if value, ok := one.(*types.AttributeValueMemberM); ok {
			values = append(values, value.Value)
		}
	}
	return values
}

// size is about what DynamoDB counts for the item: names and values. An item has at most 400 KB.
func (i item) size() int {
	total := 0
	for name, value := range i {
		total += len(name) + valueSize(value)
	}
	return total
}

func valueSize(value types.AttributeValue) int {
	const overhead = 3 // of a list or map, and at least of each element
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 2
	case *types.AttributeValueMemberL:
		total := overhead
		for _, one := range v.Value {
			total += valueSize(one) + 1
		}
		return total
	case *types.AttributeValueMemberM:
		return item(v.Value).size() + overhead + len(v.Value)
	case *types.AttributeValueMemberSS:
		total := 0
		for _, one := range v.Value {
			total += len(one)
		}
		return total
	default:
		return 1
	}
}

func flag(value bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: value} }

func compareKeys(a, b key) int {
	return cmp.Or(strings.Compare(a.partition, b.partition), strings.Compare(a.sort, b.sort))
}
