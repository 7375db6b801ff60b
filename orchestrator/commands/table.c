/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: their names, what --help says of each, and how many words they take. */
#include "orchestrator/commands/commands.h"

const struct command commands[] = {
	{"init", "", "write an example of the cluster file",
	 "Writes a commented example to rollcall.json, or to the file that --config names, and makes the database beside it. "
	 "A file that is there already is left alone. Edit it, then run `rollcall inventory sync`.\n"
	 "\n"
	 "Operators who share a workstation share a database: --group makes it theirs (mode 0660), in a folder that is "
	 "theirs too (`chgrp ops FOLDER && chmod 2770 FOLDER`). Without it the database is yours alone (0600).\n"
	 "\n"
	 "    rollcall init --config /srv/rollcall/rollcall.json --group ops",
	 command_init, 0, 0},
	{"inventory sync", "", "ask the master which agents there are",
	 "Asks the cluster's leading master for its agents, tasks and frameworks, and brings the database in line with "
	 "the answer. Only what changed is written. Nothing on any host is touched.",
	 command_inventory_sync, 0, 0},
	{"inventory survey", "", "ask the hosts how their agents are run",
	 "Runs `agentctl inspect` on the hosts, which changes nothing there, and keeps what it says: flags, "
	 "checkpoint, flag store, version, tasks. A host that cannot be asked is kept with its reason.\n"
	 "\n"
	 "    rollcall inventory survey --where \"zone = 'eu-1a'\" --parallel 50\n"
	 "\n"
	 "Exit status 1 when some hosts failed, 4 when none answered.",
	 command_inventory_survey, 0, 0},
	{"inventory list", "", "list agents",
	 "Lists the agents of the last sync, or as they were at a time. --where chooses:\n"
	 "\n"
	 "    rollcall inventory list --where \"rack = 'r1' and zone in ('a', 'b')\"\n"
	 "    rollcall inventory list --where \"hostname in node[001-120].example.com and mem.free > 64GB\"\n"
	 "    rollcall inventory list --where \"version < 1.9 or changed < 2h\" --at 2026-11-23\n"
	 "    rollcall inventory list --columns hostname,rack,mem.free --sort -mem.free --csv\n"
	 "    rollcall inventory list --group-by zone,version\n"
	 "\n"
	 "Names: id, hostname, ip, port, version, state, active, deactivated, region, zone, domain, tasks, frameworks, "
	 "task, framework, config, survey, drift; seen, changed, first_seen, registered, reregistered, surveyed (how "
	 "long ago, or a date); cpus, mem, disk, gpus, resource.NAME, each with .used, .free, .percent and (ROLE); "
	 "flag.NAME; failure; or an attribute (rack, or attribute.rack). Comparisons: = != < <= > >= in (…) not in (…) "
	 "like ~ !~; and, or, not, ( ). docs/selectors.md has them all.",
	 command_inventory_list, 0, 0},
	{"inventory show", "AGENT", "show all that is known of one agent",
	 "AGENT is an agent's ID, the beginning of one, or a hostname.", command_inventory_show, 1, 1},
	{"inventory history", "AGENT", "everything that changed about one agent, and when it was seen",
	 "AGENT is an agent's ID, the beginning of one, or a hostname, which stands for every agent that the host has "
	 "had. A sync sees changes: what came and went between two syncs is not known, and of tasks and what they use no "
	 "history is kept.",
	 command_inventory_history, 1, 1},
	{"inventory diff", "T1 [T2]", "how the fleet of two moments differs",
	 "Agents that appeared, left, got a new ID on the same host, and what changed about the others, field by "
	 "field. T2 is now when it is not given. Exit status 1 when there are differences.\n"
	 "\n"
	 "    rollcall inventory diff 24h\n"
	 "    rollcall inventory diff 2026-11-22 2026-11-23T12:00",
	 command_inventory_diff, 1, 2},
	{"inventory drift", "[EXPR]", "where config, flags, checkpoint and master disagree",
	 "Compares what is known of each agent in five places: the config that was rolled out to it last, the flag "
	 "store on its host, the flags its process runs with, its checkpoint, and the master's record. Says which two "
	 "disagree, and what would settle it. Works from the last sync and survey; --refresh asks anew. Exit status 1 "
	 "when there is drift.\n"
	 "\n"
	 "    rollcall inventory drift --refresh \"zone = 'eu-1a'\"\n"
	 "    rollcall inventory drift --expect web-tier@4",
	 command_inventory_drift, 0, 1},
	{"inventory check", "", "is the database whole?",
	 "Reads every page: SQLite's structure and indices, foreign keys, the hashes of configs and plans, and the "
	 "chain of the ledger's events. Exit status 1 when something is wrong.",
	 command_inventory_check, 0, 0},
	{"inventory backup", "FILE", "copy the database, while it is in use",
	 "FILE is a database like the one it was made from: put it in that one's place, or name it with --db. A file "
	 "that is there already is left alone.",
	 command_inventory_backup, 1, 1},
	{"inventory export", "[FILE]", "the whole database as JSON lines",
	 "One line for each row, a line before them and one with their SHA-256 behind them; to FILE, or to stdout. "
	 "`inventory import` reads it back, also with a newer rollcall.",
	 command_inventory_export, 0, 1},
	{"inventory import", "FILE", "make a database from an export",
	 "FILE is what `inventory export` wrote; - is stdin. The database must not exist yet. It has the same name "
	 "(UUID) as the one that was exported, so hosts take it for that one: use one of the two.\n"
	 "\n"
	 "    rollcall inventory import fleet.jsonl --db new.db",
	 command_inventory_import, 1, 1},
	{"inventory ignore", "EXPR", "have every plan leave agents out, with a reason",
	 "EXPR chooses agents, as --where does, anew for each plan. Who put it there, when and why is kept in the "
	 "ledger, and each plan that leaves agents out says so.\n"
	 "\n"
	 "    rollcall inventory ignore \"hostname = 'node007.example.com'\" --reason \"disk is being replaced\" "
	 "--until 2d",
	 command_inventory_ignore, 1, 1},
	{"inventory unignore", "N|EXPR", "take something off the ignore list",
	 "By its number, or by its text word for word; `inventory ignores` shows both.", command_inventory_unignore, 1,
	 1},
	{"inventory ignores", "", "show the ignore list", NULL, command_inventory_ignores, 0, 0},
	{"config add", "FILE", "store a config as a new version",
	 "Checks the document and stores it as the next version of the config it names. A document that is byte for "
	 "byte the newest version is not stored again.\n"
	 "\n"
	 "    {\"name\": \"web-tier\", \"rules\": [\n"
	 "      {\"match\": \"tier = 'web'\",\n"
	 "       \"attributes\": {\"rack\": \"r2\", \"old\": null},\n"
	 "       \"resources\": {\"mem\": 4096}}]}\n"
	 "\n"
	 "A config owns only what it names; null removes. Values may use ${hostname}, ${ip}, ${id}, ${region}, "
	 "${zone}, ${attribute.NAME}, and ${csv.COLUMN} of a CSV that is given with it:\n"
	 "\n"
	 "    rollcall config add web-tier.json --csv racks.csv --message \"new racks\"\n"
	 "\n"
	 "The CSV's first line names its columns; one of them is hostname or id.",
	 command_config_add, 1, 1},
	{"config list", "[NAME]", "list configs, or the versions of one", NULL, command_config_list, 0, 1},
	{"config show", "CONFIG[@V]", "print a version's document as it was added",
	 "Prints the very bytes. With --json also who added it, when, and its SHA-256.", command_config_show, 1, 1},
	{"config diff", "CONFIG[@V] CONFIG[@V]", "how two versions differ, and what that does to the fleet",
	 "Shows the settings in which the documents differ, and what going from the first to the second changes on "
	 "the agents as they were surveyed last: which attributes, resources and flags, on how many agents. Exit "
	 "status 1 when there are differences.\n"
	 "\n"
	 "    rollcall config diff web-tier@3 web-tier@4 --where \"zone = 'eu-1a'\"",
	 command_config_diff, 2, 2},
	{"config render", "AGENT [CONFIG[@V]]", "the flags an agent would run with",
	 "What the config makes of the agent's flags as they were surveyed last: ~ changed, + new, - gone. Without "
	 "CONFIG: what was rolled out to it last.",
	 command_config_render, 1, 2},
	{"config import", "[NAME]", "a config out of what is running",
	 "Writes a document to stdout with what the agents that --from chooses have in common: attributes, resources, "
	 "domain and flags, as they were surveyed last. Rolling it out to them changes nothing.\n"
	 "\n"
	 "    rollcall config import --from \"tier = 'web'\" web-tier > web-tier.json",
	 command_config_import, 0, 1},
	{"rollout plan", "CONFIG[@V]", "work out what a rollout would change, and show it",
	 "Changes nothing anywhere. Asks every master and the hosts it is about first, or with --offline works from "
	 "the last sync and survey and says how old they are. The plan shows what will happen and in which order, the "
	 "risks, what changes on each agent, what a stock agent would say to that, which tasks are on it, what stops "
	 "the run, and how it is taken back. It is stored under its hash.\n"
	 "\n"
	 "    rollcall rollout plan web-tier --window 3 --ignore attributes,resources\n"
	 "    rollcall rollout plan web-tier --canary 2 --window 1,5%,25% --by zone --gates gates.json\n"
	 "\n"
	 "One agent that cannot be planned refuses the whole plan; --exclude and `inventory ignore` leave agents out. "
	 "docs/rollouts.md has it all.",
	 command_rollout_plan, 1, 1},
	{"rollout start", "PLAN|FILE", "carry out a plan that was shown",
	 "PLAN is a plan's hash or the beginning of it (6 digits or more, as long as no other plan begins so); FILE is "
	 "what `rollout plan --out` wrote. Ctrl-C once finishes what is under way and stops, twice leaves now; both "
	 "can be resumed. With --detach it is driven by a process of its own, which outlives the terminal and writes "
	 "to a log beside the database; `rollout watch` shows it.\n"
	 "\n"
	 "A host obeys the database that has driven it before, so that two workstations cannot work against each "
	 "other; `rollout plan` says which hosts belong to another one. --adopt takes them over: use it when the other "
	 "database is gone or will not be used for them any more.\n"
	 "\n"
	 "Exit status 1 when some agents failed or the run has paused; `rollout status` says which.",
	 command_rollout_start, 1, 1},
	{"rollout simulate", "PLAN|FILE", "say how long a rollout would take, and how it ends if agents fail",
	 "PLAN as for `rollout start`. Rests on the plan alone, asks nobody and changes nothing: every agent is away "
	 "for as long as the plan expects, in the order, the stages and the window of the plan. --fail 5% draws so "
	 "many agents at random, in many runs, and says where those would stop.",
	 command_rollout_simulate, 1, 1},
	{"rollout status", "RUN", "how far a rollout is",
	 "RUN is a run's ID, or `latest`. Shows who is away and for how long, whether all is well, and what to do next.",
	 command_rollout_status, 1, 1},
	{"rollout watch", "RUN", "see a rollout go on, from any terminal",
	 "RUN is a run's ID, or `latest`. Shows what happens until the run ends or nobody drives it, and then how it "
	 "stands. Ctrl-C ends the watching and nothing else. Exit status as of `rollout start`.",
	 command_rollout_watch, 1, 1},
	{"rollout pause", "RUN", "start nothing more; what is under way finishes",
	 "RUN is a run's ID, or `latest`. Whoever drives the run is told, and this waits until he obeys.",
	 command_rollout_pause, 1, 1},
	{"rollout resume", "RUN", "go on with a rollout that was interrupted or has paused",
	 "RUN is a run's ID, or `latest`. Hosts whose fate is unknown are asked first, not guessed; stuck agents are "
	 "asked and proven again, and gates that gave no answer are asked again. --adopt is for hosts that another "
	 "database has taken over meanwhile.\n"
	 "\n"
	 "One process drives at a time. From one that has died, resume takes over by itself. From one that hangs or is "
	 "stopped, --take-over does: its late requests are refused by the hosts, because they carry an older number.",
	 command_rollout_resume, 1, 1},
	{"rollout abort", "RUN", "start nothing ever again; what is under way finishes",
	 "RUN is a run's ID, or `latest`. Nothing of an aborted run starts any more: `rollout resume` only settles what "
	 "it has left open. What it has changed stays; `rollout rollback` takes it back.",
	 command_rollout_abort, 1, 1},
	{"rollout retry", "RUN", "change failed and reverted agents once more",
	 "RUN is a run's ID, or `latest`. Under the same plan, each with a new operation: an agent that is not as the "
	 "plan saw it is refused. Stuck agents are asked first; agents that a gate rejected have their gates asked "
	 "again.",
	 command_rollout_retry, 1, 1},
	{"rollout settle", "RUN", "bring stuck agents to their end, when somebody has mended what kept them",
	 "RUN is a run's ID, or `latest`, in whatever state: also aborted, done or rolled back. The host of each agent "
	 "that is stuck, or whose fate is not known, is asked what became of its operation and brings it to its end; an "
	 "agent that came up with neither state is started once more with the old one; then each is proven anew. No "
	 "other agent is touched, nothing starts, and the run keeps its state and its end. Gates that a run that is over "
	 "has left without an answer are asked again; those of a run that can be resumed wait for that. Where tasks were "
	 "lost that were to survive, --accept-losses settles agents that were stuck already all the same; the report goes "
	 "on naming them.\n"
	 "\n"
	 "Exit status 1 when some agents are still stuck, or their gates still give no answer.",
	 command_rollout_settle, 1, 1},
	{"rollout rollback", "RUN", "take back what a rollout has changed",
	 "RUN is a run's ID, or `latest`. Surveys the hosts that were changed, shows the plan that would take the "
	 "changes back in reverse order, and changes nothing: start it with `rollout start`, or say --yes. Agents that "
	 "cannot be taken back are listed with the reason. A run that is still driven goes on while it is shown; --yes "
	 "pauses it, waits for what is under way, and takes back what is changed then.\n"
	 "\n"
	 "Exit status 1 when some agents could not be taken back.",
	 command_rollout_rollback, 1, 1},
	{"rollout list", "", "list rollouts",
	 "Every rollout of this database, the newest first; with --cluster those of one cluster.", command_rollout_list,
	 0, 0},
	{"rescue", "[EXPR]", "start agents that refuse to start since their flags were changed",
	 "For hosts whose agents end with \"Incompatible agent info detected\" after somebody changed their flags: "
	 "each is started again, with its ID and its tasks. Looked at are the agents that the master lists as inactive, "
	 "and those that it has given up lately; EXPR chooses among them. The checkpoint is made to fit the flags; with --flags the "
	 "flags are made to fit the checkpoint.\n"
	 "\n"
	 "Without --yes nothing is changed: it shows what would be done on each host, how many executors are still "
	 "alive and how long they wait, and the command that does it. Executors end when no agent comes back within "
	 "recovery_timeout (15 minutes unless its flag says otherwise).\n"
	 "\n"
	 "    rollcall rescue\n"
	 "    rollcall rescue \"rack = 'r1'\"\n"
	 "\n"
	 "Where by the last survey another database left an operation open, as one does that is lost in the middle of a "
	 "run, the operation is settled, also of an agent that runs: --adopt takes such hosts over.\n"
	 "\n"
	 "Interrupted, it can be run again: it shows what is left. Exit status 1 when some agents were not rescued.",
	 command_rescue, 0, 1},
	{"observer add", "NAME", "tell a framework's operator of agents that have changed",
	 "For every agent whose SlaveInfo a rollout, its undo, a rollback or a rescue has changed, each running task "
	 "of the framework is an event that is posted to the URL, with the new SlaveInfo: at least once, and in order "
	 "for each agent.\n"
	 "\n"
	 "    rollcall observer add storage --framework cassandra --url https://ops.example.com/changed --secret-file "
	 "key\n"
	 "\n"
	 "docs/observers.md says what is posted and how the signature is checked.",
	 command_observer_add, 1, 1},
	{"observer list", "", "list observers", "Those of the cluster, with how many events wait for each.",
	 command_observer_list, 0, 0},
	{"observer remove", "NAME", "take an observer away",
	 "Refused while events wait for it, unless they are to be dropped.", command_observer_remove, 1, 1},
	{"observer test", "NAME", "post a test event to an observer",
	 "At once, past the queue. Exit status 4 when it was not taken.", command_observer_test, 1, 1},
	{"observer queue", "[drop NUMBER…]", "what observers and webhooks are still to be told",
	 "Shows age, attempts and the last error of each event. After three days without success, or when its receiver "
	 "has answered 410, an event is dead: it is shown so, and tried once an hour. Nothing is dropped unless you "
	 "say so:\n"
	 "\n"
	 "    rollcall observer queue drop 17",
	 command_observer_queue, 0, -1},
	{"observer deliver", "", "send what observers and webhooks are still to be told",
	 "Everything that waits is tried now, and again until it is delivered or the time is over; exit status 4 when "
	 "something is left. Whoever drives a rollout sends by itself.",
	 command_observer_deliver, 0, 0},
	{"webhook add", "NAME", "tell somebody when rollouts start, pause, fail and end",
	 "Posts JSON to the URL: rollout.started, rollout.paused, rollout.resumed, rollout.failed, rollout.aborted, "
	 "rollout.finished, rollout.rolled_back.\n"
	 "\n"
	 "    rollcall webhook add oncall --url https://chat.example.com/hook --events rollout.paused,rollout.failed",
	 command_webhook_add, 1, 1},
	{"webhook list", "", "list webhooks", "Those of the cluster, with how many events wait for each.",
	 command_webhook_list, 0, 0},
	{"webhook remove", "NAME", "take a webhook away",
	 "Refused while events wait for it, unless they are to be dropped.", command_webhook_remove, 1, 1},
	{"webhook test", "NAME", "post a test event to a webhook",
	 "At once, past the queue. Exit status 4 when it was not taken.", command_webhook_test, 1, 1},
	{"audit report", "RUN…", "what rollouts did, with the proof for each agent",
	 "RUN is a run's ID, or `latest`. Several runs become one document with a summary across them. A rescue's ID "
	 "(`rollcall audit log --kind rescue` shows it) gives the report of that rescue, in each format.\n"
	 "\n"
	 "html is one file that opens without a network: the verdict, a timeline, every agent's proof. markdown is "
	 "for a ticket, csv has a line per agent, json everything (schema/audit-report.schema.json).\n"
	 "\n"
	 "    rollcall audit report latest --format html --out report.html\n"
	 "    rollcall audit report r-20261123-1 r-20261123-2 --format csv",
	 command_audit_report, 1, -1},
	{"audit log", "[RUN]", "what happened, and who did it",
	 "Every act is an event in the ledger; this asks for some of them. RUN is a run's ID, or `latest`.\n"
	 "\n"
	 "    rollcall audit log --agent node007.example.com --since 2026-03-01\n"
	 "    rollcall audit log --where \"attribute.rack = 'r2'\"\n"
	 "    rollcall audit log --where \"new_id = true\"\n"
	 "    rollcall audit log --where \"killed > 0 and config = 'web-tier'\"\n"
	 "\n"
	 "Names: time, seq, actor, run, agent, hostname, kind, event, from, to, config, config_version, plan, killed, "
	 "new_id, changed, attribute.NAME, resource.NAME. docs/audit.md has them all.",
	 command_audit_log, 0, 1},
	{"audit verify", "", "is the ledger what was recorded?",
	 "Computes the chain of all events, and names the first one that was changed, removed, inserted or moved; and "
	 "compares with the events what the tables of plans and runs say. A chain that was computed anew as a whole is "
	 "found out by what was noted elsewhere: a head (--head), a signature (--key), and the heads that the hosts "
	 "were "
	 "given with each request (--witness). Nothing is changed anywhere. Exit status 1 when something is wrong.\n"
	 "\n"
	 "    rollcall audit verify --key /etc/rollcall/allowed_signers --witness \"zone = 'eu-1a'\"",
	 command_audit_verify, 0, 0},
	{"audit sign", "", "sign the ledger's head with an SSH key",
	 "Writes a statement (database, event, head, time, who) and its signature, which whoever has OpenSSH can check "
	 "(docs/audit.md), and keeps both in the ledger. The key may have a passphrase or lie in an agent: ssh-keygen "
	 "makes the signature.",
	 command_audit_sign, 0, 0},
	{"audit export", "", "the events as JSON lines, for a SIEM",
	 "One line for each event, in their order, on stdout. --after goes on where the last export ended; the chain "
	 "can be checked from the lines alone (docs/audit.md).\n"
	 "\n"
	 "    rollcall audit export --after 1234 >> rollcall.jsonl",
	 command_audit_export, 0, 0},
	{.name = NULL},
};
