// Before a node that works is taken out of service: who else of its role is there, as it is seen for as long as the
// plan waits, and not as it was left or configured.
#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

// tm-3 was put to work by a request whose answer was lost, and is dead by now; tm-2 went into the pool. So tm-1, which
// fails again and again, is the last one in service, whatever the configuration calls a spare.
class LastInService : public testing::Test {
protected:
    LastInService() : bench(options(Mode::auto_)) {
        bench.set({node("tm-1"), "spare"}, 0);
        bench.set({node("tm-2"), "spare"}, 1);
        bench.set({node("tm-3"), "spare"}, 0);
        bench.set({node("tm-3"), "process_up"}, 0);
        bench.text({job, "flink_job_state"}, "RESTARTING");
        Diagnosis faulty = node_lost();
        faulty.cause = "node.many-faults";
        faulty.subject = node("tm-1");
        faulty.facts = {{"node", "tm-1"}, {"job", "fleet"}, {"serves", "true"}};
        bench.diagnoses = {faulty};
        bench.on_send = [this](const Operation& operation) { obey(bench, operation); };
        bench.run(200);
    }
    Bench bench;
};

TEST_F(LastInService, is_not_taken_however_long_its_plan_waits) {
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
    EXPECT_TRUE(bench.story().contains("only 0 of the 1 other taskmanager nodes")) << bench.story();
}

TEST_F(LastInService, is_taken_once_another_works) {
    bench.set({node("tm-3"), "process_up"}, 1);
    bench.run(20);
    ASSERT_FALSE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(describe(bench.sent.front()), "lab: kill-node tm-1");
}

}  // namespace
}  // namespace medic
