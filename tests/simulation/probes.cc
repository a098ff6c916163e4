#include "tests/simulation/run.h"

namespace medic::simulation {

const std::vector<std::string>& expected_probes() {
    static const std::vector<std::string> all{"node-lost",
                                              "node-frozen",
                                              "task-stuck",
                                              "task-failed",
                                              "connector-blocks-restart",
                                              "bad-deployment",
                                              "disk-fills",
                                              "job-ended-by-person",
                                              "flap",
                                              "faults-at-once",
                                              "facts-dark",
                                              "facts-frozen",
                                              "targets-blind",
                                              "somebody-at-work",
                                              "pause-file",
                                              "pause",
                                              "journal-full",
                                              "not-durable",
                                              "clock-step",
                                              "alert-storm",
                                              "died-before-append",
                                              "died-before-flush",
                                              "died-between-intent-and-sending",
                                              "died-after-flush",
                                              "died-after-sending",
                                              "died-after-tick",
                                              "reply-lost",
                                              "cut-off",
                                              "attempt-not-done",
                                              "reply-late",
                                              "reply-doubled",
                                              "outcome-unknown",
                                              "never-arrives",
                                              "unavailable",
                                              "says-done-does-nothing",
                                              "attempt-replied",
                                              "attempt-unknown",
                                              "attempt-failed",
                                              "attempt-not-sent",
                                              "approved",
                                              "rejected",
                                              "healed",
                                              "escalated",
                                              "went-away"};
    return all;
}

}  // namespace medic::simulation
