package dynamodb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	ours "github.com/openhostfactory/ohfp/store/dynamodb"
)

// server plays DynamoDB in memory, as strictly as the service and as far as the store uses it: its limits, its pages, its
// conditions, and that it leaves a part of a batch undone whenever it likes. Any number of stores may share it.
type server struct {
	mu     sync.Mutex
	tables map[string]*servedTable
	calls  map[string]int
	turns  int
	slow   int // looks until a new table is active
	// before is called ahead of each call, without the lock, and fails it by an error.
	before func(operation string, in any) error
	// after is called behind each call that succeeded, and takes its answer away by an error.
	after func(operation string, in any) error
}

type servedTable struct {
	partitions map[string]*partition
	looks      int // until it is active
}

type partition struct {
	items map[string]attributes
	order []string // sort keys, when they are in order
}

type attributes = map[string]types.AttributeValue

func newServer() *server { return &server{tables: map[string]*servedTable{}, calls: map[string]int{}} }

var _ ours.API = (*server)(nil)

func invalid(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// serve does one call with the table to itself.
func serve[Out any](ctx context.Context, s *server, operation string, in any, name *string, do func(t *servedTable) (*Out, error)) (*Out, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("operation error DynamoDB: %s, %w", operation, err)
	}
	if s.before != nil {
		if err := s.before(operation, in); err != nil {
			return nil, err
		}
	}
	out, err := func() (*Out, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[operation]++
		s.turns++
		t := s.tables[aws.ToString(name)]
		if t == nil || t.looks > 0 && operation != "DescribeTable" {
			return nil, &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
		}
		return do(t)
	}()
	if err == nil && s.after != nil {
		err = s.after(operation, in)
	}
	return out, err
}

func (s *server) CreateTable(_ context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[*in.TableName] != nil {
		return nil, &types.ResourceInUseException{Message: aws.String("Table already exists")}
	}
	if in.BillingMode != types.BillingModePayPerRequest || len(in.KeySchema) != 2 {
		return nil, invalid("this table is not what the store says it makes")
	}
	s.tables[*in.TableName] = &servedTable{partitions: map[string]*partition{}, looks: s.slow}
	return &dynamodb.CreateTableOutput{}, nil
}

func (s *server) DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	return serve(ctx, s, "DescribeTable", in, in.TableName, func(t *servedTable) (*dynamodb.DescribeTableOutput, error) {
		status := types.TableStatusActive
		if t.looks > 0 {
			t.looks--
			status = types.TableStatusCreating
		}
		return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{TableStatus: status}}, nil
	})
}

func (s *server) UpdateTimeToLive(ctx context.Context, in *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	return serve(ctx, s, "UpdateTimeToLive", in, in.TableName, func(*servedTable) (*dynamodb.UpdateTimeToLiveOutput, error) {
		return &dynamodb.UpdateTimeToLiveOutput{}, nil
	})
}

func textOf(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

func integer(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		panic(err)
	}
	return i
}

func keyOf(i attributes) (string, string, error) {
	pk, sk := textOf(i["pk"]), textOf(i["sk"])
	if pk == "" || sk == "" || len(pk) > 2048 || len(sk) > 1024 {
		return "", "", invalid("one or more parameter values are not valid: key %.40q, %.40q", pk, sk)
	}
	return pk, sk, nil
}

func (t *servedTable) get(pk, sk string) attributes {
	if p := t.partitions[pk]; p != nil {
		return p.items[sk]
	}
	return nil
}

func (t *servedTable) put(i attributes) error {
	pk, sk, err := keyOf(i)
	if err != nil {
		return err
	}
	if size := sizeOf(&types.AttributeValueMemberM{Value: i}); size > 400<<10 {
		return invalid("item size has exceeded the maximum allowed size: %d", size)
	}
	p := t.partitions[pk]
	if p == nil {
		p = &partition{items: map[string]attributes{}}
		t.partitions[pk] = p
	}
	if _, exists := p.items[sk]; !exists {
		if len(p.order) > 0 && sk > p.order[len(p.order)-1] {
			p.order = append(p.order, sk)
		} else {
			p.order = nil
		}
	}
	p.items[sk] = copied(i)
	return nil
}

func (t *servedTable) remove(pk, sk string) {
	if p := t.partitions[pk]; p != nil {
		delete(p.items, sk)
		p.order = nil
	}
}

func sizeOf(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)
	case *types.AttributeValueMemberBOOL:
		return 1
	case *types.AttributeValueMemberSS:
		return len(strings.Join(v.Value, ""))
	case *types.AttributeValueMemberL:
		total := 3
		for _, one := range v.Value {
			total += 1 + sizeOf(one)
		}
		return total
	case *types.AttributeValueMemberM:
		total := 3
		for name, one := range v.Value {
			total += 1 + len(name) + sizeOf(one)
		}
		return total
	default:
		panic(fmt.Sprintf("%T", value))
	}
}

// holds knows the conditions that the store writes under.
func holds(condition *string, there attributes, values attributes) error {
	ok := false
	switch aws.ToString(condition) {
	case "":
		ok = true
	case "attribute_not_exists(pk)":
		ok = there == nil
	case "attribute_exists(pk)":
		ok = there != nil
	case "attribute_not_exists(pk) OR n < :n":
		ok = there == nil || integer(there["n"]) < integer(values[":n"])
	case "n <= :n":
		ok = there != nil && integer(there["n"]) <= integer(values[":n"])
	case "rev = :rev":
		ok = there != nil && textOf(there["rev"]) == textOf(values[":rev"])
	default:
		return invalid("unknown condition %q", *condition)
	}
	if !ok {
		return &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
	}
	return nil
}

func (s *server) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return serve(ctx, s, "GetItem", in, in.TableName, func(t *servedTable) (*dynamodb.GetItemOutput, error) {
		pk, sk, err := keyOf(in.Key)
		if err != nil || !aws.ToBool(in.ConsistentRead) {
			return nil, errors.Join(err, consistent(in.ConsistentRead))
		}
		return &dynamodb.GetItemOutput{Item: copied(t.get(pk, sk))}, nil
	})
}

func consistent(asked *bool) error {
	if !aws.ToBool(asked) {
		return invalid("this store never reads what may be old")
	}
	return nil
}

func (s *server) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	name := slices.Collect(maps.Keys(in.RequestItems))[0] // there is one table
	return serve(ctx, s, "BatchGetItem", in, &name, func(t *servedTable) (*dynamodb.BatchGetItemOutput, error) {
		asked := in.RequestItems[name]
		if len(asked.Keys) > 100 || len(asked.Keys) == 0 {
			return nil, invalid("%d keys", len(asked.Keys))
		}
		out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{}}
		seen := map[string]bool{}
		size := 0
		for at, k := range asked.Keys {
			pk, sk, err := keyOf(k)
			if err == nil && seen[pk+"\x00"+sk] {
				err = invalid("a key is given twice")
			}
			if err := errors.Join(err, consistent(asked.ConsistentRead)); err != nil {
				return nil, err
			}
			seen[pk+"\x00"+sk] = true
			if i := t.get(pk, sk); i != nil {
				out.Responses[name] = append(out.Responses[name], copied(i))
				size += sizeOf(&types.AttributeValueMemberM{Value: i})
			}
			if rest := asked.Keys[at+1:]; len(rest) > 0 && (size > 16<<20 || s.turns%7 == 0 && at > 2) {
				out.UnprocessedKeys = map[string]types.KeysAndAttributes{name: {Keys: rest, ConsistentRead: asked.ConsistentRead}}
				break
			}
		}
		return out, nil
	})
}

func (s *server) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	name := slices.Collect(maps.Keys(in.RequestItems))[0] // there is one table
	return serve(ctx, s, "BatchWriteItem", in, &name, func(t *servedTable) (*dynamodb.BatchWriteItemOutput, error) {
		asked := in.RequestItems[name]
		if len(asked) > 25 || len(asked) == 0 {
			return nil, invalid("%d items", len(asked))
		}
		out := &dynamodb.BatchWriteItemOutput{}
		for at, one := range asked {
			if one.PutRequest != nil {
				if err := t.put(one.PutRequest.Item); err != nil {
					return nil, err
				}
			} else {
				pk, sk, err := keyOf(one.DeleteRequest.Key)
				if err != nil {
					return nil, err
				}
				t.remove(pk, sk)
			}
			if rest := asked[at+1:]; len(rest) > 0 && s.turns%7 == 0 && at > 2 {
				out.UnprocessedItems = map[string][]types.WriteRequest{name: rest}
				break
			}
		}
		return out, nil
	})
}

func (s *server) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return serve(ctx, s, "PutItem", in, in.TableName, func(t *servedTable) (*dynamodb.PutItemOutput, error) {
		pk, sk, err := keyOf(in.Item)
		if err != nil {
			return nil, err
		}
		if err := holds(in.ConditionExpression, t.get(pk, sk), in.ExpressionAttributeValues); err != nil {
			return nil, err
		}
		return &dynamodb.PutItemOutput{}, t.put(in.Item)
	})
}

func (s *server) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return serve(ctx, s, "DeleteItem", in, in.TableName, func(t *servedTable) (*dynamodb.DeleteItemOutput, error) {
		pk, sk, err := keyOf(in.Key)
		if err != nil {
			return nil, err
		}
		if err := holds(in.ConditionExpression, t.get(pk, sk), in.ExpressionAttributeValues); err != nil {
			return nil, err
		}
		t.remove(pk, sk)
		return &dynamodb.DeleteItemOutput{}, nil
	})
}

func (s *server) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return serve(ctx, s, "UpdateItem", in, in.TableName, func(t *servedTable) (*dynamodb.UpdateItemOutput, error) {
		pk, sk, err := keyOf(in.Key)
		if err != nil {
			return nil, err
		}
		there := t.get(pk, sk)
		if err := holds(in.ConditionExpression, there, in.ExpressionAttributeValues); err != nil {
			return nil, err
		}
		i := maps.Clone(there)
		if i == nil {
			i = maps.Clone(in.Key)
		}
		switch *in.UpdateExpression {
		case "ADD owners :owners":
			set := &types.AttributeValueMemberSS{}
			for _, v := range []types.AttributeValue{i["owners"], in.ExpressionAttributeValues[":owners"]} {
				if some, ok := v.(*types.AttributeValueMemberSS); ok {
					set.Value = append(set.Value, some.Value...)
				}
			}
			slices.Sort(set.Value)
			set.Value = slices.Compact(set.Value)
			i["owners"] = set
		case "SET cleared = :yes REMOVE heads, root, parts":
			i["cleared"] = in.ExpressionAttributeValues[":yes"]
			delete(i, "heads")
			delete(i, "root")
			delete(i, "parts")
		case "DELETE owners :owners":
			left := &types.AttributeValueMemberSS{}
			some, there := i["owners"].(*types.AttributeValueMemberSS)
			if gone, ok := in.ExpressionAttributeValues[":owners"].(*types.AttributeValueMemberSS); ok && there {
				for _, one := range some.Value {
					if !slices.Contains(gone.Value, one) {
						left.Value = append(left.Value, one)
					}
				}
			}
			delete(i, "owners")
			if len(left.Value) > 0 {
				i["owners"] = left
			}
		case "SET told = :told, rev = :next, tally = :tally REMOVE toldparts":
			i["told"], i["rev"], i["tally"] = in.ExpressionAttributeValues[":told"], in.ExpressionAttributeValues[":next"], in.ExpressionAttributeValues[":tally"]
			delete(i, "toldparts")
		case "SET toldparts = :parts, rev = :next, tally = :tally REMOVE told":
			i["toldparts"], i["rev"], i["tally"] = in.ExpressionAttributeValues[":parts"], in.ExpressionAttributeValues[":next"], in.ExpressionAttributeValues[":tally"]
			delete(i, "told")
		case "SET rev = :next REMOVE told, toldparts, tally":
			i["rev"] = in.ExpressionAttributeValues[":next"]
			delete(i, "told")
			delete(i, "toldparts")
			delete(i, "tally")
		default:
			return nil, invalid("unknown update %q", *in.UpdateExpression)
		}
		return &dynamodb.UpdateItemOutput{}, t.put(i)
	})
}

func (s *server) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return serve(ctx, s, "Query", in, in.TableName, func(t *servedTable) (*dynamodb.QueryOutput, error) {
		if err := consistent(in.ConsistentRead); err != nil {
			return nil, err
		}
		values := in.ExpressionAttributeValues
		from, to := textOf(values[":from"]), textOf(values[":to"])
		match := map[string]func(sk string) bool{
			"pk = :pk":                              func(string) bool { return true },
			"pk = :pk AND begins_with(sk, :from)":   func(sk string) bool { return strings.HasPrefix(sk, from) },
			"pk = :pk AND sk BETWEEN :from AND :to": func(sk string) bool { return from <= sk && sk <= to },
			"pk = :pk AND sk >= :from":              func(sk string) bool { return sk >= from },
			"pk = :pk AND sk <= :to":                func(sk string) bool { return sk <= to },
		}[*in.KeyConditionExpression]
		if match == nil {
			return nil, invalid("unknown key condition %q", *in.KeyConditionExpression)
		}
		for name := range values {
			if name != ":pk" && !strings.Contains(*in.KeyConditionExpression, name) {
				return nil, invalid("value %s is not used", name)
			}
		}
		out := &dynamodb.QueryOutput{}
		p := t.partitions[textOf(values[":pk"])]
		if p == nil {
			return out, nil
		}
		if p.order == nil {
			p.order = slices.Sorted(maps.Keys(p.items))
		}
		backwards := in.ScanIndexForward != nil && !*in.ScanIndexForward
		after := textOf(in.ExclusiveStartKey["sk"])
		size := 0
		var last string
		for at := range p.order {
			sk := p.order[at]
			if backwards {
				sk = p.order[len(p.order)-1-at]
			}
			if !match(sk) || after != "" && (backwards && sk >= after || !backwards && sk <= after) {
				continue
			}
			if in.Limit != nil && len(out.Items) == int(*in.Limit) || size > 1<<20 || len(out.Items) == 50 && s.turns%3 == 0 {
				out.LastEvaluatedKey = attributes{"pk": values[":pk"], "sk": &types.AttributeValueMemberS{Value: last}}
				break
			}
			i := copied(p.items[sk])
			size += sizeOf(&types.AttributeValueMemberM{Value: i})
			if in.ProjectionExpression != nil {
				wanted := strings.Split(*in.ProjectionExpression, ", ")
				maps.DeleteFunc(i, func(name string, _ types.AttributeValue) bool { return !slices.Contains(wanted, name) })
			}
			out.Items = append(out.Items, i)
			last = sk
		}
		return out, nil
	})
}

// copied is a server with the same content, of which no item is ever changed in its place.
func (s *server) copied() *server {
	other := newServer()
	for name, t := range s.tables {
		tables := &servedTable{partitions: map[string]*partition{}}
		for pk, p := range t.partitions {
			tables.partitions[pk] = &partition{items: maps.Clone(p.items)}
		}
		other.tables[name] = tables
	}
	return other
}

// copied shares nothing with what it is a copy of that anybody writes to.
func copied(i attributes) attributes {
	i = maps.Clone(i)
	for name, value := range i {
		if b, ok := value.(*types.AttributeValueMemberB); ok {
			i[name] = &types.AttributeValueMemberB{Value: bytes.Clone(b.Value)}
		}
	}
	return i
}
