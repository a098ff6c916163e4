// A record is skipped where the policy names its connector or a person agrees, and is put back where that helps
// nothing.
#include <gmock/gmock.h>

#include "agent/base/connector_settings.h"
#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;
using testing::ElementsAre;
using testing::EndsWith;

const Subject connector{"lab", "connector", "orders"};
constexpr double poison = 42;

FactKey group() { return committed_key(connector, {.topic = "t", .partition = 0}); }

Diagnosis poisoned() {
    Diagnosis diagnosis = task_stuck();
    diagnosis.cause = "connect.poison-record";
    diagnosis.summary = "task orders/0 fails at a record";
    diagnosis.remedies = {"connect.set-aside-bad-records", "connect.skip-record"};
    diagnosis.facts = {{"connector", "orders"},    {"task", "0"},
                       {"failing_in", "put"},      {"failing_topic", "t"},
                       {"failing_partition", "0"}, {"failing_offset", "42"},
                       {"failing_records", "1"}};
    return diagnosis;
}

void fail_task(Bench& bench) {
    bench.text({connector, "connect_connector_state"}, "RUNNING");
    bench.text({connector, "state_of_all"}, "FAILED");
    bench.text({task, "connect_task_state"}, "FAILED");
    bench.diagnoses = {poisoned()};
    bench.diagnoses[0].since = bench.wall();
}

// A sink whose group stands at the record; with `every` record its task fails again.
void begin(Bench& bench, bool every = false) {
    const ConnectorSettings settings{.kept = {{"topics", "t"}}, .withheld = {}};
    bench.text({connector, "type"}, "sink");
    bench.text({connector, "configuration"}, hash_of(settings));
    bench.text({connector, "settings"}, R"({"kept":{"topics":"t"},"withheld":[]})");
    bench.set(group(), poison);
    bench.on_send = [&bench, every](const Operation& operation) {
        if (std::holds_alternative<StopConnector>(operation.body)) {
            bench.text({connector, "connect_connector_state"}, "STOPPED");
            bench.text({connector, "state_of_all"}, "no tasks");
            bench.unknown({task, "connect_task_state"});
            bench.diagnoses.clear();
        } else if (const auto* alter = std::get_if<AlterConnectorOffset>(&operation.body)) {
            bench.set(group(), static_cast<double>(alter->to));
        } else if (every) {
            fail_task(bench);
        } else {
            bench.text({connector, "connect_connector_state"}, "RUNNING");
            bench.text({connector, "state_of_all"}, "RUNNING");
            bench.text({task, "connect_task_state"}, "RUNNING");
            bench.counts({task, "connect_task_records_total"});
        }
        bench.reply(operation.key, std::string("ok"));
    };
    bench.run(3);
    fail_task(bench);
}

std::vector<std::string> done(const Bench& bench) {
    std::vector<std::string> all;
    for (const auto& operation : bench.sent) all.push_back(describe(operation));
    return all;
}

LoopOptions named() {
    LoopOptions given = options(Mode::auto_);
    given.policy.rules.front().object = "connector:orders";
    return given;
}

const std::string stop = "stop-connector orders", resume = "resume-connector orders",
                  skip = "alter-connector-offset orders of t-0 from 42 to 43",
                  back = "alter-connector-offset orders of t-0 from 43 to 42";

TEST(SkipRecord, a_policy_that_names_the_connector_is_enough) {
    Bench bench(named());
    begin(bench);
    bench.run(60);
    EXPECT_THAT(done(bench), ElementsAre(EndsWith(stop), EndsWith(skip), EndsWith(resume))) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST(SkipRecord, else_a_person_is_asked_before_anything_is_stopped) {
    Bench bench(options(Mode::auto_));
    begin(bench);
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
    bench.tick({OperatorCommand{OperatorCommand::Kind::approve, bench.incident().action_id(), "go", "ann"}});
    bench.run(60);
    EXPECT_THAT(done(bench), ElementsAre(EndsWith(stop), EndsWith(skip), EndsWith(resume))) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST(SkipRecord, a_skip_that_lets_nothing_through_is_put_back_and_told) {
    Bench bench(named());
    begin(bench, true);
    bench.run(1'200);
    const auto all = done(bench);
    EXPECT_EQ(std::ranges::count_if(all, [](const auto& one) { return one.ends_with(skip); }), 1) << bench.story();
    EXPECT_EQ(std::ranges::count_if(all, [](const auto& one) { return one.ends_with(back); }), 1) << bench.story();
    EXPECT_THAT(all.back(), EndsWith(resume));
    EXPECT_EQ(bench.incident().outcome, "undone") << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
}

}  // namespace
}  // namespace medic
