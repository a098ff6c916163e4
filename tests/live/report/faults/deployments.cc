// New versions and settings of the job that a team should not have deployed.
#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

struct Deployment {
    std::string version;               // Of the job.
    std::vector<std::string> options;  // More arguments.
};

Fault deployed(const std::string& name, const std::string& told, std::vector<std::string> causes, Deployment wrong) {
    return {.name = name,
            .told = told,
            .side = "user",
            .causes = std::move(causes),
            .inject = [wrong = std::move(wrong)](Site& site) { return site.deploy(wrong.version, wrong.options); },
            .clear = [](Site& site) { return site.deploy_usual(); },
            .ends = Ends::by_a_person,
            .counts = Counts::from_its_end};
}

// The last good version is known to the agent: it can go back to it.
Fault undone_by_agent(Fault fault) {
    fault.ends = Ends::by_itself_or_agent;
    return fault;
}

}  // namespace

std::vector<Fault> deployment_faults() {
    Fault idle = deployed("idle-partition", "the job reads a quiet topic, too, and its watermarks wait for that",
                          {"flink.source-partly-idle"}, {"v1", {"topics=orders+orders-quiet", "idleness=off"}});
    idle.hits = Hits::nothing;
    idle.patience = Duration(240'000);
    return {
        idle,
        undone_by_agent(deployed("bad-version", "a new version of the job fails at its first record",
                                 {"flink.user-exception"}, {"v2", {}})),
        undone_by_agent(deployed("incompatible-state", "a new version of the job keeps its totals as another type",
                                 {"flink.state-incompatible"}, {"v3", {}})),
        deployed("transaction-timeout", "the job asks for longer transactions than the brokers allow",
                 {"flink.transaction-timeout-too-long"}, {"v1", {"transaction-timeout-ms=3600000"}}),
        deployed("missing-topic", "the job reads a topic that does not exist", {"flink.topic-missing"},
                 {"v1", {"topics=orders-of-tomorrow"}}),
    };
}

}  // namespace medic::live
