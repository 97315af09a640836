package view

// Scheduler is a way to name the fields of answers on the command line.
type Scheduler struct {
	Name        string `json:"name"`
	Active      bool   `json:"active"`
	Description string `json:"description"`
}

// Schedulers is a list of them.
type Schedulers struct {
	Strategies []Scheduler `json:"strategies"`
	Current    string      `json:"currentStrategy"`
}

// SchedulerState is the one that is active, with the directories of the program.
type SchedulerState struct {
	Scheduler

	ConfDir string `json:"confDir"`
	WorkDir string `json:"workDir"`
	LogDir  string `json:"logDir"`
}
