#include "remediations/guards/policy_reference.h"

#include <vector>

#include <fmt/format.h>

#include "agent/base/yaml.h"
#include "remediations/guards/policy.h"

namespace medic {
namespace {

struct Row {
    std::string key, type, fallback, meaning;
};

std::string section(std::string_view title, std::string_view text, const std::vector<Row>& rows) {
    std::string out = fmt::format("\n## {}\n{}{}| key | type | default | meaning |\n|---|---|---|---|\n", title, text,
                                  text.empty() ? "" : "\n\n");
    for (const Row& row : rows)
        out += fmt::format("| `{}` | {} | {} | {} |\n", row.key, row.type,
                           row.fallback.empty() ? "" : "`" + row.fallback + "`", row.meaning);
    return out;
}

std::string text_of(Duration duration) { return format_duration(duration); }
std::string text_of(int count) { return std::to_string(count); }

const char* const many = "integer, 1 to 1000";

std::vector<Row> limits(const Limits& limits) {
    return {
        {"cooldown", "duration", text_of(limits.cooldown), "Between two healings of one subject by one remedy."},
        {"attempts", many, text_of(limits.attempts_max),
         "Of one step of an incident; three times as many of a restart of failed tasks, which costs nothing."},
        {"backoff", "duration", text_of(limits.backoff),
         "Before the second attempt; doubled before each that follows."},
        {"backoff_max", "duration", text_of(limits.backoff_max), "The longest such pause."},
        {"approval", "duration", text_of(limits.approval_ttl), "A person's agreement counts for so long."},
        {"budget", "map", "", "Operations of one cluster, see below."},
        {"blast_radius", "map", "", "Nodes of one role out of service at once, see below."},
    };
}

std::vector<Row> blast_radius(const BlastRadius& limits) {
    return {
        {"nodes", many, text_of(limits.nodes), "Different nodes of one role, taken within the window."},
        {"share", "percent, 1 to 100", text_of(limits.share_percent),
         "Of the role's nodes, spares included. The stricter of the two holds; one node may always be taken."},
        {"window", "duration", text_of(limits.window), "For both."},
        {"zones", many, text_of(limits.zones),
         "In so many zones may nodes that were taken be missing at the same time, where the nodes' `zone` is known."},
        {"healthy", "integer, 0 to 1000", text_of(limits.healthy_min),
         "Others of the role that must be known to be in service before one that works is taken: a node that is lost "
         "or frozen itself is not missed. A role of one has no others."},
    };
}

std::vector<Row> storm(const StormLimits& limits) {
    return {
        {"incidents", fmt::format("integer, 1 to {}", StormLimits::incidents_max), text_of(limits.incidents),
         "More than so many opened in one cluster are a storm."},
        {"window", "duration", text_of(limits.window), "Within it."},
        {"calm", "duration", text_of(limits.calm), "For so long there must have been fewer before it is over."},
    };
}

std::vector<Row> rollout(const Rollout& defaults) {
    return {
        {"first", "glob", "", "Required. The clusters where a change acts at once, staging for one."},
        {"for", "duration", text_of(defaults.hold), "Elsewhere only after it has stood there for so long."},
    };
}

}  // namespace

std::string policy_reference() {
    const Limits defaults;
    std::string out =
        "# policy.yaml: what may be done\n\nPrinted by `medic config reference --policy`. Without a policy every "
        "remedy is in `observe`: nothing is changed.\nUnknown and doubled keys are refused.\n";
    out +=
        section("Top level", "",
                {{"schema", "integer, 1 to 1", "1", "Version of this file's format."},
                 {"catalogue", fmt::format("integer, 1 to {}", catalogue_level), "1",
                  "The level that the policy was written for: a wildcard covers no remedy and no cause that is newer."},
                 {"defaults", "map", "", "Limits of every rule that does not say otherwise, and `storm`."},
                 {"rollout", "map", "", "Where a change acts first, see below. Without it everywhere at once."},
                 {"policy", "list of maps", "", "Rules. The first that fits decides."}});
    std::vector<Row> rule{
        {"remedy", "glob", "*", "Which remedy."},
        {"cause", "glob", "*", "Against which cause."},
        {"cluster", "glob", "*", "In which cluster."},
        {"object", "glob", "*",
         "Of which object: topic:events-debug, job:NAME, connector:NAME, node:NAME, broker:ID, group:NAME and others. "
         "A rule holds for a plan that changes or touches the object, or whose diagnosis is about it; of several such "
         "rules the strictest. Of what a plan changes, each object must be allowed. connector:NAME of a sink of which "
         "a record may be skipped: by itself only under its very name, else a person must agree."},
        {"mode", "one of observe/ask/auto", "", "Required. What may be done."},
        {"floor", "duration", "",
         "Data younger than this is never destroyed by these remedies; needs the very `object`."}};
    out += section("`policy[]`", "Every limit of `defaults` may stand here, too; `storm` may not.", rule);
    std::vector<Row> all = limits(defaults);
    all.push_back({"storm", "map", "", "Too many incidents at once, see below. Only in `defaults`."});
    out += section("`defaults`", "", all);
    out += section("`budget`", "Beyond it only what ends, or takes back, a plan that was begun within it.",
                   {{"operations", many, text_of(defaults.budget_operations), "So many …"},
                    {"window", "duration", text_of(defaults.budget_window), "… within it."}});
    out += section("`blast_radius`",
                   "What ends a process counts: fencing, stopping. What is dead, or known to serve nobody, takes "
                   "nothing away. Beyond it a person "
                   "must agree.",
                   blast_radius(defaults.blast_radius));
    out += section("`storm`",
                   "Nothing new begins by itself in that cluster: it waits for a person's agreement or for the storm's "
                   "end. What was begun goes on. People are told once; a restart of the agent does not end it.",
                   storm(StormLimits{}));
    out +=
        section("`rollout`",
                "A change of this file, of the rules or of the program begins nothing by itself in any other cluster "
                "before it has stood `for` so long in the first ones. Where it made something worse there, or had to "
                "be undone, it does not begin elsewhere at all before the next change. What was begun goes on, and "
                "what a person approves is done; a restart of the agent begins no new time.",
                rollout(Rollout{}));
    return out;
}

}  // namespace medic
