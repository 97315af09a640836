package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/storage"
)

func (p *program) storageBackupCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all records into a file",
		Long: `Writes the installation's id, templates, requests, machines, events, and how far those have come who follow the
events, into one file of JSON lines that any store can take. The file appears whole or not at all, only its owner
can read it, and its first line has a digest of the rest.

It may be done while the store is in use. When the store does not hold still long enough to be read in one state,
even after some tries, the command fails and can be run again.`,
		Example: "  ohfp storage backup /var/backups/ohfp.jsonl",
		Args:    one("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, path, err := p.keeperAnd(args[0])
			if err != nil {
				return err
			}
			done, err := k.Backup(cmd.Context(), path, force)
			if err != nil {
				return err
			}
			return p.show(done, output.Layout{})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a file of that name")
	return cmd
}

func (p *program) keeperAnd(file string) (storage.Keeper, string, error) {
	k, err := p.keeper()
	if err != nil {
		return k, "", err
	}
	path, err := absolute(file)
	return k, path, err
}

func (p *program) storageRestoreCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup into the store",
		Long: `Reads a backup to its end, compares it with its digest, writes it into the configured store, and compares again.
The store must be empty and no daemon may serve it; stop the scripts too. A restore that was interrupted goes on
when it is run again.

With --force, a store in files that is not empty is renamed first, and stays where the answer says. One in a
database stays as it is: name an empty schema or another table prefix instead.`,
		Example: "  ohfp storage restore /var/backups/ohfp.jsonl",
		Args:    one("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, path, err := p.keeperAnd(args[0])
			if err != nil {
				return err
			}
			done, err := k.Restore(cmd.Context(), path, force)
			return p.showCopied(done, err)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "put aside what is in the store")
	return cmd
}

// showCopied also tells where the old store is when the copy failed.
func (p *program) showCopied(done storage.Copied, err error) error {
	if err != nil && done.Kept != "" {
		return fmt.Errorf("%w (what was there is in %s)", err, done.Kept)
	}
	if err != nil {
		return err
	}
	return p.show(done, output.Layout{})
}

func (p *program) storageMigrateCommand() *cobra.Command {
	from, to, force := "", "", false
	cmd := &cobra.Command{
		Use:   "migrate --from STORE --to STORE",
		Short: "Copy all records into another store",
		Long: `Copies everything that one store holds into another one, and compares. The first stays as it is. No daemon may
serve either; stop the scripts too. The second must be empty. A copy that was interrupted goes on when it is run
again.

A store is a strategy, at its configured place or at the one behind a colon:
  json, json:DIRECTORY
  sql, sql:FILE             a database as configured, or an SQLite file
  postgresql, postgresql://USER@HOST/DATABASE
  dynamodb, dynamodb:TABLE_PREFIX
Keep passwords out of command lines, which others can see: set OHFP_STORAGE_SQL_URL and write postgresql.

The configuration is not changed: set storage.strategy to the new one afterwards.`,
		Example: `  ohfp storage migrate --from json --to sql
  ohfp storage migrate --from sql:/srv/hf/work/ohfp.db --to postgresql`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return usageErrorf("%s needs --from and --to; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			k, err := p.keeper()
			if err != nil {
				return err
			}
			source, err := storage.ParsePlace(k.Storage, from, absolute)
			if err != nil {
				return err
			}
			target, err := storage.ParsePlace(k.Storage, to, absolute)
			if err != nil {
				return err
			}
			done, err := k.Migrate(cmd.Context(), source, target, force)
			return p.showCopied(done, err)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&from, "from", "", "the `STORE` that is copied")
	flags.StringVar(&to, "to", "", "the `STORE` that it is copied into")
	flags.BoolVar(&force, "force", false, "put aside what is in the second store")
	return cmd
}

func (p *program) storageCompactCommand() *cobra.Command {
	older, dry := "", false
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Clear old records away",
		Long: `Removes requests that ended longer ago than --older-than, and of which nothing is there or left to do, with their
machines and events. Without it the age is that of the setting storage.retention, by which the daemon and the
scripts do the same every hour.`,
		Example: `  ohfp storage compact --older-than 30d --dry-run
  ohfp storage compact`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := p.keeper()
			if err != nil {
				return err
			}
			age := k.Storage.Retention
			if older != "" {
				if age, err = storage.ParseAge(older); err != nil {
					return usageError{err}
				}
			}
			if age == 0 {
				return usageErrorf("storage.retention keeps records for ever; name an age with --older-than, for example 30d")
			}
			done, err := k.Compact(cmd.Context(), age.Round(time.Second), dry)
			if err != nil {
				return err
			}
			return p.show(done, output.Layout{})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&older, "older-than", "", "how long ago they ended: an `AGE` such as 30d or 12h (default: storage.retention)")
	flags.BoolVar(&dry, "dry-run", false, "only count what would be removed")
	return cmd
}
