// What people ask for: a roll, node by node, under the same guards as a remedy.
#include "agent/loop/loop_bench.h"
#include "agent/loop/request.h"

namespace medic {
namespace {

using namespace loop_bench;

Subject broker(const std::string& id) { return {"lab", "broker", id}; }

LoopOptions three_brokers(Mode mode) {
    LoopOptions given = options(mode);
    for (const char* name : {"broker-1", "broker-2", "broker-3"})
        given.clusters[0].nodes.push_back(
            {.name = name, .role = "broker", .can_start = true, .can_stop = true, .can_kill = true});
    return given;
}

// Three brokers that do as they are told; broker 2 leads the quorum.
struct Brokers {
    explicit Brokers(Mode mode) : bench(three_brokers(mode)) {
        for (const char* id : {"1", "2", "3"}) {
            const Subject where = node(std::string("broker-") + id);
            bench.set({where, "process_up"}, 1);
            bench.text({where, "broker"}, id);
            bench.text({broker(id), "kafka_broker_needed_by"}, "nothing");
            bench.set({broker(id), "kafka_broker_reachable"}, 1);
            bench.set({broker(id), "kafka_broker_replicas_out_of_sync"}, 0);
        }
        bench.set({cluster, "kafka_quorum_leader"}, 2);
        bench.on_send = [this](const Operation& operation) { obey_roll(operation); };
        bench.run(3);
    }
    void obey_roll(const Operation& operation) {
        if (const auto* stop = std::get_if<StopNode>(&operation.body)) {
            bench.set({node(stop->node), "process_up"}, 0);
            // As the analyzer of planned work sees it.
            bench.under_way = {{broker(stop->node.substr(7)), "planned roll", "an operator", bench.wall()}};
        } else if (const auto* start = std::get_if<StartNode>(&operation.body)) {
            bench.set({node(start->node), "process_up"}, 1);
        }
        bench.reply(operation.key, std::string("ok"));
    }
    void ask(std::vector<std::string> nodes = {}) {
        bench.inbox.emplace_back(OperatorCommand{.kind = OperatorCommand::Kind::roll,
                                                 .target = "lab",
                                                 .reason = "patches",
                                                 .by = "ann",
                                                 .role = "broker",
                                                 .nodes = std::move(nodes)});
    }
    Bench bench;
};

TEST(Requests, a_roll_goes_from_node_to_node_and_the_controller_is_last) {
    for (const Mode mode : {Mode::ask, Mode::auto_}) {
        Brokers lab(mode);
        lab.ask();
        lab.bench.run(120);
        EXPECT_EQ(lab.bench.sent_operations(),
                  (std::vector<std::string>{"lab: stop-node broker-1", "lab: start-node broker-1",
                                            "lab: stop-node broker-3", "lab: start-node broker-3",
                                            "lab: stop-node broker-2", "lab: start-node broker-2"}))
            << lab.bench.story();
        EXPECT_EQ(lab.bench.incident().outcome, "done");
        EXPECT_EQ(lab.bench.incident().state, IncidentState::resolved);
        EXPECT_EQ(lab.bench.incident().requested_by, "ann");
    }
}

TEST(Requests, only_what_is_named_is_rolled) {
    Brokers lab(Mode::ask);
    lab.ask({"broker-3"});
    lab.bench.run(60);
    EXPECT_EQ(lab.bench.sent_operations(),
              (std::vector<std::string>{"lab: stop-node broker-3", "lab: start-node broker-3"}));
}

TEST(Requests, a_broker_that_partitions_need_is_not_stopped) {
    Brokers lab(Mode::ask);
    lab.bench.text({broker("3"), "kafka_broker_needed_by"}, "no other in-sync replica: t-0");
    lab.ask();
    lab.bench.run(120);
    EXPECT_EQ(lab.bench.sent_operations().size(), 2U) << lab.bench.story();
    EXPECT_EQ(lab.bench.incident().state, IncidentState::waiting_guard);
    EXPECT_NE(lab.bench.last_story().find("broker 3 is needed: no other in-sync replica: t-0"), std::string::npos)
        << lab.bench.story();
    lab.bench.text({broker("3"), "kafka_broker_needed_by"}, "nothing");
    lab.bench.run(120);
    EXPECT_EQ(lab.bench.incident().outcome, "done") << lab.bench.story();
}

TEST(Requests, what_would_be_lost_is_not_known_so_nothing_is_stopped) {
    Brokers lab(Mode::ask);
    lab.bench.unknown({broker("1"), "kafka_broker_needed_by"});
    lab.ask();
    lab.bench.run(120);
    EXPECT_TRUE(lab.bench.sent.empty()) << lab.bench.story();
    EXPECT_NE(lab.bench.last_story().find("what would be lost without broker 1 is not known"), std::string::npos)
        << lab.bench.story();
}

TEST(Requests, the_next_one_waits_until_the_one_before_it_is_in_sync_again) {
    Brokers lab(Mode::ask);
    lab.bench.set({broker("1"), "kafka_broker_replicas_out_of_sync"}, 7);
    lab.ask();
    lab.bench.run(200);
    EXPECT_EQ(lab.bench.sent_operations(),
              (std::vector<std::string>{"lab: stop-node broker-1", "lab: start-node broker-1"}));
    EXPECT_EQ(lab.bench.incident().state, IncidentState::verifying);
}

TEST(Requests, an_agent_that_is_restarted_goes_on_with_it) {
    Brokers lab(Mode::ask);
    lab.ask();
    for (int i = 0; i < 100 && lab.bench.sent.size() < 2; ++i) lab.bench.tick();
    lab.bench.restart();
    lab.bench.run(150);
    EXPECT_EQ(lab.bench.sent_operations().size(), 6U) << lab.bench.story();
    EXPECT_EQ(lab.bench.incident().outcome, "done");
}

TEST(Requests, a_person_stops_it_between_two_nodes) {
    Brokers lab(Mode::ask);
    lab.ask();
    for (int i = 0; i < 100 && lab.bench.sent.size() < 2; ++i) lab.bench.tick();
    lab.bench.inbox.emplace_back(OperatorCommand{OperatorCommand::Kind::stop, "I1", "that is enough", "ben"});
    lab.bench.run(100);
    EXPECT_EQ(lab.bench.sent_operations().size(), 2U) << lab.bench.story();
    EXPECT_EQ(lab.bench.incident().outcome, "stopped");
}

TEST(Requests, one_that_fails_on_the_way_is_with_a_person_until_that_person_closes_it) {
    Brokers lab(Mode::ask);
    lab.bench.on_send = [&](const Operation& operation) {
        if (std::holds_alternative<StopNode>(operation.body)) return lab.obey_roll(operation);
        lab.bench.reply(operation.key, fail(ErrorCode::unavailable, "no such unit"));
    };
    lab.ask({"broker-1"});
    lab.bench.run(600);
    EXPECT_EQ(lab.bench.incident().state, IncidentState::escalated) << lab.bench.story();
    EXPECT_EQ(lab.bench.incident().waiting_for, "ann");
    lab.bench.inbox.emplace_back(OperatorCommand{OperatorCommand::Kind::stop, "I1", "started by hand", "ann"});
    lab.bench.run(3);
    EXPECT_EQ(lab.bench.incident().state, IncidentState::resolved);
}

TEST(Requests, where_the_policy_observes_it_is_only_said) {
    Brokers lab(Mode::observe);
    lab.ask();
    lab.bench.run(60);
    EXPECT_TRUE(lab.bench.sent.empty());
    EXPECT_EQ(lab.bench.incident().state, IncidentState::observing);
}

TEST(Requests, there_is_one_roll_at_a_time_and_what_can_not_be_rolled_is_refused) {
    Brokers lab(Mode::ask);
    lab.bench.on_send = nullptr;
    lab.ask();
    lab.bench.run(5);
    lab.ask();
    lab.bench.run(2);
    EXPECT_EQ(lab.bench.last_answer().substr(0, 17), "I1 is under way s");
    for (const char* part : {"asked for by ann: patches", "medic actions stop I1", "2 s ago"})
        EXPECT_NE(lab.bench.last_answer().find(part), std::string::npos) << lab.bench.last_answer();
    lab.bench.inbox.emplace_back(OperatorCommand{.kind = OperatorCommand::Kind::roll, .target = "nope"});
    lab.bench.run(1);
    EXPECT_EQ(lab.bench.last_answer(), "no cluster is called nope");
    EXPECT_EQ(lab.bench.loop().incidents().size(), 1U);
}

class DryRun : public testing::Test {
protected:
    // Every line that the request has told, once it is over.
    std::string told(Brokers& lab) {
        OperatorCommand command{
            .kind = OperatorCommand::Kind::roll, .target = "lab", .reason = "patches", .by = "ann", .role = "broker"};
        command.deployment.dry_run = true;
        lab.bench.inbox.emplace_back(std::move(command));
        lab.bench.run(60);
        EXPECT_TRUE(lab.bench.sent.empty()) << lab.bench.story();
        EXPECT_EQ(lab.bench.incident().state, IncidentState::resolved);
        return lab.bench.story();
    }
    static bool says(const std::string& story, const std::string& part) {
        return story.find(part) != std::string::npos;
    }
};

TEST_F(DryRun, of_a_roll_tells_the_order_what_is_waited_for_and_sends_nothing) {
    Brokers lab(Mode::ask);
    const std::string story = told(lab);
    for (const char* part : {"order: broker-1, broker-3, broker-2; who leads", "every replica on it is in sync",
                             "1. stop broker-1 in good order: nothing objects now",
                             "3. stop broker-2 in good order: nothing objects now", "estimate: not known"})
        EXPECT_TRUE(says(story, part)) << part << "\n" << story;
    EXPECT_EQ(lab.bench.incident().outcome, "done");
}

TEST_F(DryRun, names_the_partitions_that_need_a_broker) {
    Brokers lab(Mode::ask);
    lab.bench.text({broker("3"), "kafka_broker_needed_by"}, "no other in-sync replica: single-0");
    const std::string story = told(lab);
    EXPECT_TRUE(says(story, "2. stop broker-3 in good order: not now")) << story;
    EXPECT_TRUE(says(story, "single-0")) << story;
    EXPECT_TRUE(says(story, "1. stop broker-1 in good order: nothing objects now")) << story;
    EXPECT_EQ(lab.bench.incident().outcome, "refused");
}

TEST_F(DryRun, what_is_not_known_would_have_to_be_waited_for) {
    Brokers lab(Mode::ask);
    lab.bench.unknown({broker("1"), "kafka_broker_needed_by"});
    EXPECT_TRUE(says(told(lab), "1. stop broker-1 in good order: not now"));
}

TEST_F(DryRun, says_that_the_policy_only_observes) {
    Brokers lab(Mode::observe);
    EXPECT_TRUE(says(told(lab), "not now: mode"));
}

TEST_F(DryRun, estimates_by_the_roll_before_it) {
    Brokers lab(Mode::ask);
    lab.ask();
    lab.bench.run(200);
    ASSERT_EQ(lab.bench.incident().outcome, "done") << lab.bench.story();
    lab.bench.sent.clear();
    lab.bench.under_way.clear();
    EXPECT_TRUE(says(told(lab), "for 3 nodes, as long as I1 took for each of 3"));
}

TEST(Orders, what_is_not_there_or_no_longer_waits_is_refused) {
    using Kind = OperatorCommand::Kind;
    Incident waits;
    waits.id = "I17";
    waits.step_number = 2;
    waits.state = IncidentState::waiting_approval;
    Incident over = waits;
    over.id = "I16";
    over.state = IncidentState::resolved;
    const auto answer = [&](Kind kind, const std::string& target) {
        const Status done = can_be_carried_out({kind, target, "", "ann"}, {waits, over}, {});
        return done ? std::string("yes") : std::string(to_string(done.error().code)) + ": " + done.error().message;
    };
    for (const Kind kind : {Kind::approve, Kind::reject}) {
        EXPECT_EQ(answer(kind, "I17/2"), "yes");
        EXPECT_EQ(answer(kind, "I17"),
                  kind == Kind::reject
                      ? "yes"
                      : "invalid: which action? I17/2 waits for an answer: look at it with `medic actions`");
        EXPECT_EQ(answer(kind, "I17/1"),
                  "not_ready: I17/1 no longer waits for an answer: I17/2 does; look at it with `medic actions`");
        for (const char* unknown : {"I71/2", "I16/2", "", "/"})
            EXPECT_TRUE(answer(kind, unknown).starts_with("invalid: no open incident or action")) << unknown;
    }
    EXPECT_EQ(answer(Kind::stop, "I17/2"), "yes");
    EXPECT_TRUE(answer(Kind::stop, "I71").starts_with("invalid: "));
    EXPECT_EQ(answer(Kind::undo, "I17"), "not_ready: I17: nothing was done that can be taken back from here");
    waits.state = IncidentState::acting;
    EXPECT_EQ(answer(Kind::approve, "I17/2"), "not_ready: I17/2 waits for no answer: I17 is acting");
}

TEST(Orders, one_cluster_does_not_go_on_under_a_pause_of_all) {
    const OperatorCommand lab{OperatorCommand::Kind::resume, "lab", "", "ann"},
        all{OperatorCommand::Kind::resume, "", "", "ann"};
    EXPECT_TRUE(can_be_carried_out(lab, {}, {{.cluster = "lab", .reason = "game day", .by = "bob"}}));
    const std::vector<Pause> everywhere{{.cluster = "", .reason = "game day", .by = "bob"}};
    EXPECT_EQ(can_be_carried_out(lab, {}, everywhere).error().message,
              "bob has paused every cluster (game day): that pause is taken back for all of them or not at all");
    EXPECT_TRUE(can_be_carried_out(all, {}, everywhere));
}

TEST(Requests, nodes_are_taken_from_the_configuration) {
    ClusterInfo some = three_brokers(Mode::ask).clusters[0];
    EXPECT_EQ(nodes_to_roll(some, "broker", {}).value(),
              (std::vector<std::string>{"broker-1", "broker-2", "broker-3"}));
    for (auto& one : some.nodes) one.can_stop = true;
    EXPECT_EQ(nodes_to_roll(some, "taskmanager", {}).value(), (std::vector<std::string>{"tm-1", "tm-2"}))
        << "a spare does nothing";
    EXPECT_EQ(nodes_to_roll(some, "taskmanager", {"tm-3"}).value(), std::vector<std::string>{"tm-3"});
    for (const auto& [role, names] : {std::pair<const char*, std::vector<std::string>>{"jobmanager", {}},
                                      {"broker", {"tm-1"}},
                                      {"broker", {"broker-9"}},
                                      {"", {}}})
        EXPECT_EQ(nodes_to_roll(some, role, names).error().code, ErrorCode::invalid) << role;
    some.nodes.back().can_stop = false;
    EXPECT_EQ(nodes_to_roll(some, "broker", {}).error().message, "node broker-3 has no driver with `stop` and `start`");
}

}  // namespace
}  // namespace medic
