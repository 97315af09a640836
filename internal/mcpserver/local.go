package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/version"
)

// Answer is what a tool answered.
type Answer struct {
	Content json.RawMessage // the structured answer
	Notes   []string        // what it told beside it
	Waits   string          // the token of a plan that waits for its confirmation; empty: it is done
}

// Call uses a tool as an assistant would, by a session within this process. Refusals are errors.
func (f *Face) Call(ctx context.Context, caller access.Caller, name string, arguments map[string]any) (answer Answer, err error) {
	session, err := f.connect(ctx, caller)
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	res, err := session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		return Answer{}, ohfp.Errorf(ohfp.ErrInvalid, "tool %s: %w; see ohfp mcp tools list", name, err)
	}
	if res.IsError {
		return Answer{}, failureIn(res.Meta)
	}
	if answer.Content, err = json.Marshal(res.StructuredContent); err != nil {
		return Answer{}, fmt.Errorf("encode the answer of %s: %w", name, err)
	}
	for _, content := range res.Content[min(1, len(res.Content)):] {
		if text, ok := content.(*mcp.TextContent); ok {
			answer.Notes = append(answer.Notes, text.Text)
		}
	}
	answer.Waits, _ = proposalIn(answer.Content)
	return answer, nil
}

// proposalIn finds the token of a plan that waits for its confirmation.
func proposalIn(content []byte) (token string, waits bool) {
	var proposal Proposal
	if json.Unmarshal(content, &proposal) != nil || proposal.Confirm == "" || proposal.ExpiresAt == "" {
		return "", false
	}
	return proposal.Confirm, true
}

// failureIn is the refusal in an answer, as an error of its kind.
func failureIn(meta mcp.Meta) error {
	text, err := json.Marshal(meta[inMeta])
	if err != nil {
		return fmt.Errorf("read a refusal: %w", err)
	}
	var told Failure
	if err := json.Unmarshal(text, &told); err != nil {
		return fmt.Errorf("read a refusal: %w", err)
	}
	for _, kind := range ohfp.Kinds() {
		if NewFailure(kind).Code == told.Code {
			return ohfp.Errorf(kind, "%s", told.Message)
		}
	}
	return errors.New(told.Message)
}

func (f *Face) connect(ctx context.Context, caller access.Caller) (*mcp.ClientSession, error) {
	s, err := f.Server(caller)
	if err != nil {
		return nil, err
	}
	here, there := mcp.NewInMemoryTransports()
	if _, err := s.Connect(ctx, there, nil); err != nil {
		return nil, fmt.Errorf("begin a session: %w", err)
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "ohfp", Version: version.Current().Version}, nil).Connect(ctx, here, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to the session: %w", err)
	}
	return session, nil
}

// Offer counts what a session offers to a caller.
type Offer struct {
	Tools     int `json:"tools"`
	Resources int `json:"resources"`
	Prompts   int `json:"prompts"`
}

// Try begins a session as an assistant would, and asks it what it offers.
func (f *Face) Try(ctx context.Context, caller access.Caller) (offer Offer, err error) {
	session, err := f.connect(ctx, caller)
	if err != nil {
		return Offer{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	for _, err := range session.Tools(ctx, nil) {
		if err != nil {
			return Offer{}, fmt.Errorf("list tools: %w", err)
		}
		offer.Tools++
	}
	for _, err := range session.Resources(ctx, nil) {
		if err != nil {
			return Offer{}, fmt.Errorf("list resources: %w", err)
		}
		offer.Resources++
	}
	for _, err := range session.Prompts(ctx, nil) {
		if err != nil {
			return Offer{}, fmt.Errorf("list prompts: %w", err)
		}
		offer.Prompts++
	}
	return offer, nil
}

// String is a sentence.
func (o Offer) String() string {
	return fmt.Sprintf("%d tools, %d resources, %d prompts", o.Tools, o.Resources, o.Prompts)
}
