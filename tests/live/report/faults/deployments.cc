// New versions and settings of the job that a team should not have deployed.
#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

Fault deployed(const std::string& name, const std::string& told, std::vector<std::string> causes,
               std::vector<std::string> options) {
    return {.name = name,
            .told = told,
            .side = "user",
            .causes = std::move(causes),
            .inject = [options = std::move(options)](Site& site) { return site.deploy(options); },
            .clear = [](Site& site) { return site.deploy_usual(); },
            .ends = Ends::by_a_person};
}

}  // namespace

std::vector<Fault> deployment_faults() {
    std::vector<Fault> faults = {
        deployed("bad-version", "a new version of the job fails at its first record", {"flink.user-exception"},
                 {"version=bad"}),
        deployed("incompatible-state", "a new version of the job keeps its totals as another type",
                 {"flink.state-incompatible"}, {"state=text"}),
        deployed("transaction-timeout", "the job asks for longer transactions than the brokers allow",
                 {"flink.transaction-timeout-too-long"}, {"transaction-timeout-ms=3600000"}),
        deployed("missing-topic", "the job reads a topic that does not exist",
                 {"flink.table-missing", "clients.topic-missing"}, {"topics=orders-of-tomorrow"}),
    };
    return faults;
}

}  // namespace medic::live
