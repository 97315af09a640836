package awssim

import (
	"slices"
	"strconv"
	"time"
)

type launchTemplateReply struct {
	ID             string    `reply:"launchTemplateId"`
	Name           string    `reply:"launchTemplateName"`
	CreateTime     time.Time `reply:"createTime"`
	CreatedBy      string    `reply:"createdBy"`
	DefaultVersion int       `reply:"defaultVersionNumber"`
	LatestVersion  int       `reply:"latestVersionNumber"`
	Tags           []Tag     `reply:"tagSet,omitempty"`
}

type templateAnswer struct {
	Template launchTemplateReply `reply:"launchTemplate"`
}

func (c *Cloud) newTemplateReply(t *launchTemplate) launchTemplateReply {
	return launchTemplateReply{
		ID: t.id, Name: t.name, CreateTime: t.createdAt.Truncate(time.Second), CreatedBy: c.userArn(),
		DefaultVersion: t.defaultVersion, LatestVersion: t.latest(), Tags: t.tags,
	}
}

func (c *Cloud) templateReply(t *launchTemplate) templateAnswer {
	return templateAnswer{c.newTemplateReply(t)}
}

type templateVersionReply struct {
	ID          string     `reply:"launchTemplateId"`
	Name        string     `reply:"launchTemplateName"`
	Number      int        `reply:"versionNumber"`
	Description string     `reply:"versionDescription,omitempty"`
	CreateTime  time.Time  `reply:"createTime"`
	CreatedBy   string     `reply:"createdBy"`
	Default     bool       `reply:"defaultVersion"`
	Data        LaunchSpec `reply:"launchTemplateData"`
}

type versionAnswer struct {
	Version templateVersionReply `reply:"launchTemplateVersion"`
}

func (c *Cloud) versionReply(v *templateVersion) templateVersionReply {
	return templateVersionReply{
		ID: v.template.id, Name: v.template.name, Number: v.number, Description: v.description,
		CreateTime: v.createdAt.Truncate(time.Second), CreatedBy: c.userArn(),
		Default: v.number == v.template.defaultVersion, Data: v.spec,
	}
}

type describeLaunchTemplatesInput struct {
	IDs     []string `query:"LaunchTemplateId"`
	Names   []string `query:"LaunchTemplateName"`
	Filters []filter `query:"Filter"`
	pageInput
}

type describeLaunchTemplatesReply struct {
	Templates []launchTemplateReply `reply:"launchTemplates"`
	NextToken string                `reply:"nextToken,omitempty"`
}

func (c *Cloud) describeLaunchTemplates(call *call, in *describeLaunchTemplatesInput) (any, error) {
	wanted := map[*launchTemplate]bool{}
	for _, id := range in.IDs {
		t, err := c.template(id, "")
		if err != nil {
			return nil, err
		}
		wanted[t] = true
	}
	for _, name := range in.Names {
		t, err := c.template("", name)
		if err != nil {
			return nil, err
		}
		wanted[t] = true
	}
	match, err := compile(in.Filters, fields[*launchTemplate]{
		"launch-template-name": one(func(t *launchTemplate) string { return t.name }),
	}, func(t *launchTemplate) []Tag { return t.tags })
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 1, 200)
	if err != nil {
		return nil, err
	}
	var reply describeLaunchTemplatesReply
	for _, t := range c.templates {
		if (len(wanted) == 0 || wanted[t]) && match(t) && page.admit(t.sequence) {
			reply.Templates = append(reply.Templates, c.newTemplateReply(t))
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

type describeLaunchTemplateVersionsInput struct {
	ID         string   `query:"LaunchTemplateId"`
	Name       string   `query:"LaunchTemplateName"`
	Versions   []string `query:"LaunchTemplateVersion"`
	MinVersion string   `query:"MinVersion"`
	MaxVersion string   `query:"MaxVersion"`
	Filters    []filter `query:"Filter"`
	pageInput
}

type describeLaunchTemplateVersionsReply struct {
	Versions  []templateVersionReply `reply:"launchTemplateVersionSet"`
	NextToken string                 `reply:"nextToken,omitempty"`
}

func templateVersionFields() fields[*templateVersion] {
	return fields[*templateVersion]{
		"image-id":           one(func(v *templateVersion) string { return v.spec.ImageID }),
		"instance-type":      one(func(v *templateVersion) string { return v.spec.InstanceType }),
		"is-default-version": one(func(v *templateVersion) string { return strconv.FormatBool(v.number == v.template.defaultVersion) }),
	}
}

func (c *Cloud) describeLaunchTemplateVersions(call *call, in *describeLaunchTemplateVersionsInput) (any, error) {
	candidates, err := c.candidateVersions(in)
	if err != nil {
		return nil, err
	}
	match, err := compile(in.Filters, templateVersionFields(), nil)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 1, 200)
	if err != nil {
		return nil, err
	}
	var reply describeLaunchTemplateVersionsReply
	for i, v := range candidates {
		if match(v) && page.admit(i+1) {
			reply.Versions = append(reply.Versions, c.versionReply(v))
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

// candidateVersions are those of one template, or without template the $Latest or $Default versions of all.
func (c *Cloud) candidateVersions(in *describeLaunchTemplateVersionsInput) ([]*templateVersion, error) {
	templates := c.templates
	if in.ID != "" || in.Name != "" {
		t, err := c.template(in.ID, in.Name)
		if err != nil {
			return nil, err
		}
		templates = []*launchTemplate{t}
	} else if len(in.Versions) == 0 || slices.ContainsFunc(in.Versions, func(v string) bool { return v != "$Latest" && v != "$Default" }) {
		return nil, errorf("MissingParameter", "The request must contain a launch template, or the versions $Latest or $Default")
	}
	var found []*templateVersion
	for _, t := range templates {
		selected, err := t.selected(in)
		if err != nil {
			return nil, err
		}
		found = append(found, selected...)
	}
	return found, nil
}

func (t *launchTemplate) selected(in *describeLaunchTemplateVersionsInput) ([]*templateVersion, error) {
	if len(in.Versions) > 0 && (in.MinVersion != "" || in.MaxVersion != "") {
		return nil, errorf("InvalidParameterCombination", "Versions cannot be used with MinVersion or MaxVersion")
	}
	lowest, err := bound(in.MinVersion, "MinVersion", 1)
	if err != nil {
		return nil, err
	}
	highest, err := bound(in.MaxVersion, "MaxVersion", t.latest())
	if err != nil {
		return nil, err
	}
	var found []*templateVersion
	for _, label := range in.Versions {
		v, err := t.version(label)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(found, v) {
			found = append(found, v)
		}
	}
	for _, v := range t.versions {
		if len(in.Versions) == 0 && v.number >= lowest && v.number <= highest {
			found = append(found, v)
		}
	}
	return found, nil
}

func bound(text, name string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, invalidValue(clip(text, 32), name, "Expecting a version number.")
	}
	return n, nil
}
