// A deployment that a person asks for: verified first, then switched, then watched, and taken back where it does not
// work; the same over a restart of the agent at each step.
#include "remediations/planning/deployment.h"
#include "agent/loop/loop_bench.h"
#include "agent/loop/request.h"

namespace medic {
namespace {

using namespace loop_bench;

LoopOptions with_deployment(Mode mode) {
    LoopOptions given = options(mode);
    given.clusters[0].deployments.push_back({.job = "fleet",
                                             .savepoints = "/sp",
                                             .versions = {"v1", "v2"},
                                             .parallelism = {},
                                             .gate = {.hold = Duration{10'000}, .within = Duration{30'000}}});
    return given;
}

// A Flink that does as it is told; what version 2 does once it runs, the test says.
struct Flink {
    explicit Flink(Mode mode) : bench(with_deployment(mode)) {
        bench.text({job, "id"}, "j1");
        bench.text({job, "version"}, "v1");
        bench.set({job, "flink_job_restarts_total"}, 7);
        bench.set({job, "flink_checkpoint_last_completed_timestamp_seconds"}, 1'700'000'000);
        bench.counts({job, "flink_checkpoints_completed_total"});
        bench.on_send = [this](const Operation& operation) { obey_deployment(operation); };
        bench.run(3);
    }
    void obey_deployment(const Operation& operation) {
        if (std::holds_alternative<VerifyDeployment>(operation.body)) {
            bench.reply(operation.key, verified);
        } else if (const auto* stop = std::get_if<StopJobWithSavepoint>(&operation.body)) {
            EXPECT_EQ(stop->job_id, "j1");
            bench.text({job, "flink_job_state"}, "FINISHED");
            bench.reply(operation.key, std::string("/sp/savepoint-1"));
        } else if (std::holds_alternative<CancelJob>(operation.body)) {
            bench.text({job, "flink_job_state"}, "CANCELED");
            bench.reply(operation.key, std::string("cancelling"));
        } else if (const auto* start = std::get_if<StartDeployment>(&operation.body)) {
            if (start->version == "v2" && !starts) return bench.reply(operation.key, starts);
            bench.text({job, "id"}, start->version == "v2" ? "j2" : "j3");
            bench.text({job, "flink_job_state"}, "RUNNING");
            bench.set({job, "flink_job_restarts_total"}, start->version == "v2" ? restarts : 0);
            bench.reply(operation.key, std::string("started"));
        }
    }
    void ask(DeploymentWish wish = {.job = "fleet", .version = "v2", .from = {}, .accept = {}}) {
        OperatorCommand command{
            .kind = OperatorCommand::Kind::deploy, .target = "lab", .reason = "release 2", .by = "ann"};
        command.deployment = std::move(wish);
        bench.inbox.emplace_back(std::move(command));
    }
    Bench bench;
    Result<std::string> verified = std::string("plan: it loads\nstate: it takes all");
    Result<std::string> starts = std::string();
    double restarts = 0;
};

const std::vector<std::string> switched{"lab: verify-deployment fleet version v2",
                                        "lab: stop-job-with-savepoint j1 into /sp",
                                        "lab: start-deployment fleet version v2 from /sp/savepoint-1"};
const std::vector<std::string> and_back{"lab: cancel-job j2",
                                        "lab: start-deployment fleet version v1 from /sp/savepoint-1"};

std::vector<std::string> switched_and_back() {
    auto all = switched;
    all.insert(all.end(), and_back.begin(), and_back.end());
    return all;
}

TEST(Deployment, is_verified_switched_and_watched) {
    for (const Mode mode : {Mode::ask, Mode::auto_}) {
        Flink flink(mode);
        flink.ask();
        flink.bench.run(100);
        EXPECT_EQ(flink.bench.sent_operations(), switched) << flink.bench.story();
        EXPECT_EQ(flink.bench.incident().outcome, "done");
        EXPECT_EQ(flink.bench.incident().state, IncidentState::resolved);
        EXPECT_NE(flink.bench.story().find("state: it takes all"), std::string::npos) << flink.bench.story();
        const auto& healed_at = flink.bench.incident().healed_at;
        EXPECT_GE((healed_at - flink.bench.incident().step_acted_at).count(), 10'000) << "the gate's time";
    }
}

TEST(Deployment, what_the_verification_refuses_changes_nothing_and_closes_itself) {
    Flink flink(Mode::ask);
    flink.verified = fail(ErrorCode::invalid, "state: the new version has no vertex with the id of window");
    flink.ask();
    flink.bench.run(3);
    for (int i = 0; i < 40 && flink.bench.incident().state != IncidentState::escalated; ++i) flink.bench.tick();
    EXPECT_EQ(flink.bench.incident().waiting_for, "ann");
    flink.bench.run(60);
    EXPECT_EQ(flink.bench.sent_operations(), std::vector<std::string>{switched[0]}) << flink.bench.story();
    EXPECT_EQ(flink.bench.incident().outcome, "refused");
    EXPECT_EQ(flink.bench.incident().state, IncidentState::resolved);
}

TEST(Deployment, a_question_without_an_answer_is_asked_again_and_nothing_else_is_done) {
    Flink flink(Mode::ask);
    flink.verified = fail(ErrorCode::unavailable, "connection refused");
    flink.ask();
    flink.bench.run(60);
    EXPECT_GT(flink.bench.sent_operations().size(), 1U);
    for (const std::string& one : flink.bench.sent_operations()) EXPECT_EQ(one, switched[0]) << flink.bench.story();
}

// Whatever the reason: nothing is tried again while no version runs.
TEST(Deployment, a_start_that_fails_brings_the_old_version_back_at_once) {
    for (const ErrorCode code : {ErrorCode::invalid, ErrorCode::unavailable, ErrorCode::not_ready}) {
        Flink flink(Mode::ask);
        flink.starts = fail(code, "Failed to rollback to checkpoint/savepoint");
        flink.ask();
        flink.bench.run(60);
        EXPECT_EQ(flink.bench.sent_operations(),
                  (std::vector<std::string>{switched[0], switched[1], switched[2], and_back[1]}))
            << flink.bench.story();
        EXPECT_EQ(flink.bench.incident().outcome, "undone");
        EXPECT_EQ(flink.bench.incident().state, IncidentState::escalated) << "a person must look";
    }
}

// Its request is over; its main() still asks Kafka for its topics.
TEST(Deployment, a_start_that_may_still_come_is_waited_for_before_the_old_version_is_started) {
    constexpr int tick_ms = 500;
    Flink flink(Mode::ask);
    flink.starts = fail(ErrorCode::outcome_unknown, "time-out");
    flink.ask();
    for (int i = 0; i < 60 && flink.bench.sent.size() < 3; ++i) flink.bench.tick();
    flink.bench.run(170'000 / tick_ms);
    EXPECT_EQ(flink.bench.sent_operations(), switched) << flink.bench.story();
    flink.bench.run(60'000 / tick_ms);
    EXPECT_EQ(flink.bench.sent_operations(),
              (std::vector<std::string>{switched[0], switched[1], switched[2], and_back[1]}))
        << flink.bench.story();
}

TEST(Deployment, a_version_that_restarts_again_and_again_is_taken_back_and_kept_away) {
    Flink flink(Mode::ask);
    flink.restarts = 3;
    flink.ask();
    flink.bench.run(80);
    EXPECT_EQ(flink.bench.sent_operations(), switched_and_back()) << flink.bench.story();
    EXPECT_EQ(flink.bench.incident().outcome, "undone");
    flink.ask();
    flink.bench.run(60);
    EXPECT_EQ(flink.bench.sent_operations(), switched_and_back()) << flink.bench.story();
    EXPECT_NE(flink.bench.story().find("accept `quarantine`"), std::string::npos) << flink.bench.story();
}

TEST(Deployment, a_person_may_accept_what_was_taken_back) {
    Flink flink(Mode::ask);
    flink.restarts = 3;
    flink.ask();
    flink.bench.run(100);
    flink.restarts = 0;
    flink.bench.text({job, "id"}, "j1");
    flink.bench.step_wall(Duration{3'600'000});  // Past the cool-down.
    flink.bench.set({job, "flink_checkpoint_last_completed_timestamp_seconds"}, 1'700'003'600);
    flink.bench.run(150);
    flink.ask({.job = "fleet", .version = "v2", .from = {}, .accept = {"quarantine"}});
    flink.bench.run(150);
    EXPECT_EQ(flink.bench.incident().outcome, "done") << flink.bench.story();
}

TEST(Deployment, whether_it_works_is_not_known_so_a_person_decides) {
    Flink flink(Mode::ask);
    flink.ask();
    for (int i = 0; i < 60 && flink.bench.sent.size() < 3; ++i) flink.bench.tick();
    flink.bench.unknown({job, "flink_job_state"});
    flink.bench.run(120);
    EXPECT_EQ(flink.bench.sent_operations(), switched) << flink.bench.story();
    EXPECT_EQ(flink.bench.incident().outcome, "cannot_tell");
}

TEST(Deployment, what_runs_is_not_known_so_nothing_is_done) {
    Flink flink(Mode::ask);
    flink.bench.unknown({job, "version"});
    flink.ask();
    flink.bench.run(120);
    EXPECT_TRUE(flink.bench.sent.empty());
    EXPECT_NE(flink.bench.story().find("say so with --from"), std::string::npos) << flink.bench.story();
    flink.ask({.job = "fleet", .version = "v2", .from = "v1", .accept = {}});
    flink.bench.run(120);
    EXPECT_EQ(flink.bench.sent_operations(), switched) << flink.bench.story();
}

TEST(Deployment, a_dry_run_only_asks) {
    Flink flink(Mode::ask);
    flink.ask({.job = "fleet", .version = "v2", .from = {}, .accept = {}, .dry_run = true});
    flink.bench.run(60);
    EXPECT_EQ(flink.bench.sent_operations(), std::vector<std::string>{switched[0]});
    EXPECT_EQ(flink.bench.incident().outcome, "done");
    EXPECT_EQ(flink.bench.incident().acted_at.unix_ms, 0);
    flink.bench.restart();
    flink.ask();
    flink.bench.run(100);
    EXPECT_EQ(flink.bench.incident().outcome, "done") << "a question needs no cool-down\n" << flink.bench.story();
}

TEST(Deployment, where_the_policy_observes_it_is_only_said) {
    Flink flink(Mode::observe);
    flink.ask();
    flink.bench.run(60);
    EXPECT_TRUE(flink.bench.sent.empty());
    EXPECT_EQ(flink.bench.incident().state, IncidentState::observing);
}

TEST(Deployment, an_agent_that_is_restarted_at_any_moment_goes_on_with_it) {
    for (std::size_t after = 1; after <= 5; ++after) {
        Flink flink(Mode::ask);
        flink.restarts = 3;
        flink.ask();
        for (int i = 0; i < 200 && flink.bench.sent.size() < after; ++i) flink.bench.tick();
        flink.bench.inbox.clear();  // The reply never arrives.
        flink.bench.restart();
        flink.bench.text({job, "savepoint_path"}, "/sp/savepoint-1");
        flink.bench.run(600);
        auto wanted = switched_and_back();
        if (after == 1) wanted.insert(wanted.begin(), switched[0]);  // A question may be asked twice.
        EXPECT_EQ(flink.bench.sent_operations(), wanted) << "after " << after << "\n" << flink.bench.story();
        EXPECT_EQ(flink.bench.incident().outcome, "undone") << "after " << after;
    }
}

TEST(Deployment, one_at_a_time_and_only_what_is_configured) {
    Flink flink(Mode::ask);
    flink.bench.on_send = nullptr;
    flink.ask();
    flink.bench.run(5);
    flink.ask();
    flink.bench.run(2);
    EXPECT_EQ(flink.bench.last_answer().substr(0, 17), "I1 is under way s");
    const ClusterInfo lab = with_deployment(Mode::ask).clusters[0];
    EXPECT_TRUE(deployment_to_make(lab, {.job = "fleet", .version = "v2", .from = {}, .accept = {}}));
    for (const DeploymentWish& wish :
         {DeploymentWish{.job = "none", .version = "v2", .from = {}, .accept = {}},
          DeploymentWish{.job = "fleet", .version = "v9", .from = {}, .accept = {}},
          DeploymentWish{.job = "fleet", .version = "v2", .from = "v9", .accept = {}},
          DeploymentWish{.job = "fleet", .version = "v2", .from = {}, .accept = {"everything"}}})
        EXPECT_EQ(deployment_to_make(lab, wish).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace medic
