package dynamodb

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/openhostfactory/ohfp"
)

// API is what this store uses of DynamoDB. [dynamodb.Client] implements it.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// The bounds of DynamoDB's calls.
const (
	getTogether   = 100 // items in one BatchGetItem, of 16 MB at most
	writeTogether = 25  // items in one BatchWriteItem, of 16 MB at most
	callsAtOnce   = 16  // of one operation here
)

// table is the one table that a store lives in.
type table struct {
	name    string
	connect func(ctx context.Context) (API, error) // makes the client when it is first needed
}

// call makes one call. A table that is missing is made, and the call made again.
func call[In, Out any](
	ctx context.Context, t *table, do func(API, context.Context, *In, ...func(*dynamodb.Options)) (*Out, error), in *In,
) (*Out, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	api, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	out, err := do(api, ctx, in)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		if err := t.create(ctx); err != nil {
			return nil, err
		}
		return do(api, ctx, in)
	}
	return out, err
}

// get reads one item as it is now, nil when there is none.
func (t *table) get(ctx context.Context, k key) (item, error) {
	out, err := call(ctx, t, API.GetItem, &dynamodb.GetItemInput{TableName: &t.name, Key: k.item(), ConsistentRead: aws.Bool(true)})
	if err != nil || len(out.Item) == 0 {
		return nil, err
	}
	return out.Item, nil
}

// getAll reads items as they are now, each at a moment of its own. Those that do not exist are left out.
func (t *table) getAll(ctx context.Context, keys []key) (map[key]item, error) {
	found := make(map[key]item, len(keys))
	var mutex sync.Mutex
	asked := make(map[key]bool, len(keys))
	wanted := make([]key, 0, len(keys))
	for _, k := range keys { // a key named twice is refused
		if !asked[k] {
			asked[k] = true
			wanted = append(wanted, k)
		}
	}
	err := portions(ctx, len(wanted), getTogether, func(ctx context.Context, from, to int) error {
		list := make([]map[string]types.AttributeValue, 0, to-from)
		for _, k := range wanted[from:to] {
			list = append(list, k.item())
		}
		for try := 0; len(list) > 0; try++ {
			if err := pauseAfter(ctx, try); err != nil {
				return err
			}
			out, err := call(ctx, t, API.BatchGetItem, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{t.name: {Keys: list, ConsistentRead: aws.Bool(true)}},
			})
			if err != nil {
				return err
			}
			mutex.Lock()
			for _, one := range out.Responses[t.name] {
				found[item(one).key()] = one
			}
			mutex.Unlock()
			list = out.UnprocessedKeys[t.name].Keys
		}
		return nil
	})
	return found, err
}

// span is a part of a partition, in its order. Bounds that are empty do not bound.
type span struct {
	partition string
	from, to  string // both included
	prefix    string // instead of bounds
	after     string // go on after this key
	backwards bool
	limit     int32  // items of a page
	only      string // the attributes that are wanted, separated by commas
}

// query reads pages until each returns false. Every item is as it is at the moment when its page is read.
func (t *table) query(ctx context.Context, s span, each func(page []item, last bool) (bool, error)) error {
	in := &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(!s.backwards),
		KeyConditionExpression:    aws.String(wholePartition),
		ExpressionAttributeValues: item{":pk": text(s.partition)},
	}
	values := in.ExpressionAttributeValues
	switch {
	case s.prefix != "":
		in.KeyConditionExpression, values[":from"] = aws.String(startsWith), text(s.prefix)
	case s.from != "" && s.to != "":
		in.KeyConditionExpression, values[":from"], values[":to"] = aws.String(fromTo), text(s.from), text(s.to)
	case s.from != "":
		in.KeyConditionExpression, values[":from"] = aws.String(fromHere), text(s.from)
	case s.to != "":
		in.KeyConditionExpression, values[":to"] = aws.String(toHere), text(s.to)
	}
	if s.after != "" {
		in.ExclusiveStartKey = key{s.partition, s.after}.item()
	}
	if s.limit > 0 {
		in.Limit = &s.limit
	}
	if s.only != "" {
		in.ProjectionExpression = &s.only
	}
	for {
		out, err := call(ctx, t, API.Query, in)
		if err != nil {
			return err
		}
		page := make([]item, len(out.Items))
		for i, one := range out.Items {
			page[i] = one
		}
		last := len(out.LastEvaluatedKey) == 0
		more, err := each(page, last)
		if err != nil || !more || last {
			return err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// The conditions on keys that this store uses.
const (
	wholePartition = "pk = :pk"
	startsWith     = "pk = :pk AND begins_with(sk, :from)"
	fromTo         = "pk = :pk AND sk BETWEEN :from AND :to"
	fromHere       = "pk = :pk AND sk >= :from"
	toHere         = "pk = :pk AND sk <= :to"
)

// The conditions on items that this store writes under, and the values that they need.
const (
	always   = ""
	isNew    = "attribute_not_exists(pk)"
	isThere  = "attribute_exists(pk)"
	isOlder  = "attribute_not_exists(pk) OR n < :n"
	notNewer = "n <= :n"
	isSame   = "rev = :rev"
)

// put writes an item if the condition holds, and says whether it did.
func (t *table) put(ctx context.Context, i item, condition string, values item) (bool, error) {
	in := &dynamodb.PutItemInput{TableName: &t.name, Item: i}
	if condition != always {
		in.ConditionExpression = &condition
		in.ExpressionAttributeValues = values
	}
	_, err := call(ctx, t, API.PutItem, in)
	return held(err)
}

// update changes an item if the condition holds, and says whether it did.
func (t *table) update(ctx context.Context, k key, expression, condition string, values item) (bool, error) {
	in := &dynamodb.UpdateItemInput{TableName: &t.name, Key: k.item(), UpdateExpression: &expression, ExpressionAttributeValues: values}
	if condition != always {
		in.ConditionExpression = &condition
	}
	_, err := call(ctx, t, API.UpdateItem, in)
	return held(err)
}

// remove deletes an item if the condition holds, and says whether it did.
func (t *table) remove(ctx context.Context, k key, condition string, values item) (bool, error) {
	in := &dynamodb.DeleteItemInput{TableName: &t.name, Key: k.item(), ConditionExpression: &condition, ExpressionAttributeValues: values}
	_, err := call(ctx, t, API.DeleteItem, in)
	return held(err)
}

func held(err error) (bool, error) {
	var not *types.ConditionalCheckFailedException
	if errors.As(err, &not) {
		return false, nil
	}
	return err == nil, err
}

// putAll writes items under no condition and in no order.
func (t *table) putAll(ctx context.Context, items []item) error {
	return t.writeAll(ctx, len(items), func(i int) types.WriteRequest {
		return types.WriteRequest{PutRequest: &types.PutRequest{Item: items[i]}}
	})
}

// removeAll deletes items.
func (t *table) removeAll(ctx context.Context, keys []key) error {
	return t.writeAll(ctx, len(keys), func(i int) types.WriteRequest {
		return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: keys[i].item()}}
	})
}

func (t *table) writeAll(ctx context.Context, n int, write func(i int) types.WriteRequest) error {
	return portions(ctx, n, writeTogether, func(ctx context.Context, from, to int) error {
		list := make([]types.WriteRequest, 0, to-from)
		for i := from; i < to; i++ {
			list = append(list, write(i))
		}
		for try := 0; len(list) > 0; try++ {
			if err := pauseAfter(ctx, try); err != nil {
				return err
			}
			out, err := call(ctx, t, API.BatchWriteItem, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{t.name: list},
			})
			if err != nil {
				return err
			}
			list = out.UnprocessedItems[t.name]
		}
		return nil
	})
}

// patience is how often what DynamoDB leaves undone for its rate is tried again, about half a minute in all.
const patience = 40

// pauseAfter waits before another try, longer each time. It gives up where another would hardly help.
func pauseAfter(ctx context.Context, try int) error {
	if try == 0 {
		return nil
	}
	if try > patience {
		return ohfp.Errorf(ohfp.ErrThrottled, "DynamoDB keeps refusing a part of what it is given for its rate; try again later, or raise the table's capacity")
	}
	return pause(ctx, time.Duration(1<<min(try, 10))*time.Millisecond)
}

// pause waits for a random time up to d, so that those who met once do not meet again.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(rand.N(d) + 1) //nolint:gosec // nobody gains by guessing it
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// portions does n things in portions of at most size, several portions at once, and returns the first error.
func portions(ctx context.Context, n, size int, do func(ctx context.Context, from, to int) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	return atOnce(ctx, (n+size-1)/size, callsAtOnce, func(at int) error {
		err := do(ctx, at*size, min((at+1)*size, n))
		if err != nil {
			end(err)
		}
		return err
	})
}

// atOnce does n things, several at once, until one fails, and returns the first error.
func atOnce(ctx context.Context, n, most int, do func(at int) error) error {
	if n == 1 {
		return do(0)
	}
	var wait sync.WaitGroup
	var once sync.Once
	var failed atomic.Bool
	var first error
	fail := func(err error) {
		once.Do(func() {
			first = err
			failed.Store(true)
		})
	}
	turns := make(chan struct{}, most)
	for at := 0; at < n && !failed.Load(); at++ {
		if err := ctx.Err(); err != nil {
			fail(err)
			break
		}
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			if err := do(at); err != nil {
				fail(err)
			}
		})
	}
	wait.Wait()
	return first
}

// together does several things at once and returns the first error.
func together(ctx context.Context, do []func(ctx context.Context) error) error {
	return portions(ctx, len(do), 1, func(ctx context.Context, from, _ int) error { return do[from](ctx) })
}
