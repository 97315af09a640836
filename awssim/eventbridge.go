package awssim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// event is what EventBridge delivers.
type event struct {
	Version    string    `json:"version"`
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"`
	Detail     any       `json:"detail"`
}

// publish delivers an event about an instance, one for each, as a rule of EventBridge with a queue as its target would.
func (c *Cloud) publish(i *instance, detailType string, now time.Time, detail any) {
	if c.options.InterruptionQueue == "" {
		return
	}
	source := "aws.ec2"
	if detailType == "AWS Health Event" {
		source = "aws.health"
	}
	body, _ := json.Marshal(event{ // strings always encode
		Version: "0", ID: c.newUUID(), DetailType: detailType, Source: source, Account: c.options.Account,
		// To the second, as EventBridge tells it.
		Time: now.Truncate(time.Second), Region: c.options.Region,
		Resources: []string{c.arn(serviceEC2, "instance/"+i.id)}, Detail: detail,
	})
	c.queue(c.options.InterruptionQueue).send(c.newUUID(), string(body), now)
}

func (c *Cloud) publishWarning(i *instance, now time.Time) {
	c.publish(i, "EC2 Spot Instance Interruption Warning", now, map[string]string{"instance-id": i.id, "instance-action": "terminate"})
}

func (c *Cloud) publishState(i *instance, state string, now time.Time) {
	c.publish(i, "EC2 Instance State-change Notification", now, map[string]string{"instance-id": i.id, "state": state})
}

// Recommend recommends to rebalance spot instances: AWS may interrupt them soon. An instance that is unknown, or not
// spot, is an error, and then nothing is recommended.
func (c *Cloud) Recommend(ids ...string) error {
	return c.tell(ids, true, func(i *instance, now time.Time) {
		c.publish(i, "EC2 Instance Rebalance Recommendation", now, map[string]string{"instance-id": i.id})
	})
}

// scheduledEvent is maintenance of an instance that is announced.
type scheduledEvent struct {
	ID          string    `reply:"instanceEventId"`
	Code        string    `reply:"code"`
	Description string    `reply:"description"`
	NotBefore   time.Time `reply:"notBefore"`
}

// eventCodes are EC2's codes of scheduled events, and what AWS Health calls them.
func eventCodes() map[string]string {
	return map[string]string{
		"instance-retirement": "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
		"instance-stop":       "AWS_EC2_INSTANCE_STOP_SCHEDULED",
		"instance-reboot":     "AWS_EC2_INSTANCE_REBOOT_FLEXIBLE_MAINTENANCE_SCHEDULED",
		"system-reboot":       "AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED",
		"system-maintenance":  "AWS_EC2_INSTANCE_NETWORK_MAINTENANCE_SCHEDULED",
	}
}

// Schedule announces maintenance of instances, such as instance-retirement. It is announced, and never happens.
func (c *Cloud) Schedule(code string, notBefore time.Time, ids ...string) error {
	health, ok := eventCodes()[code]
	if !ok {
		return fmt.Errorf("awssim: event code %q is none of instance-retirement, instance-stop, instance-reboot, system-reboot, system-maintenance", code)
	}
	return c.tell(ids, false, func(i *instance, now time.Time) {
		i.events = append(i.events, scheduledEvent{c.newID("instance-event"), code, "The instance is scheduled for " + code, notBefore.UTC()})
		c.publishHealth(i, health, "upcoming", notBefore, now)
	})
}

// Unschedule calls maintenance of instances off. EC2 goes on showing it, as canceled.
func (c *Cloud) Unschedule(ids ...string) error {
	return c.tell(ids, false, func(i *instance, now time.Time) {
		for n := range i.events {
			e := &i.events[n]
			e.Description = "[Canceled] " + e.Description
			c.publishHealth(i, eventCodes()[e.Code], "closed", e.NotBefore, now)
		}
	})
}

func (c *Cloud) publishHealth(i *instance, code, status string, start, now time.Time) {
	const when = "Mon, 2 Jan 2006 15:04:05 GMT"
	c.publish(i, "AWS Health Event", now, map[string]any{
		"service": "EC2", "eventTypeCode": code, "eventTypeCategory": "scheduledChange", "statusCode": status,
		"startTime":        start.UTC().Format(when),
		"eventDescription": []map[string]string{{"language": "en_US", "latestDescription": "EC2 has scheduled maintenance of your instance."}},
		"affectedEntities": []map[string]string{{"entityValue": i.id}},
	})
}

// tell does something to all of the instances named or to none.
func (c *Cloud) tell(ids []string, spot bool, do func(i *instance, now time.Time)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	found, err := c.find(ids, func(*instance) bool { return true })
	if err != nil {
		return fmt.Errorf("awssim: %w", err)
	}
	if n := slices.IndexFunc(found, func(i *instance) bool { return spot && i.lifecycle != Spot }); n >= 0 {
		return fmt.Errorf("awssim: instance %s is no spot instance and cannot be interrupted", found[n].id)
	}
	for _, i := range found {
		if s := i.state(now); s != stateShuttingDown && s != stateTerminated {
			do(i, now)
		}
	}
	return nil
}
