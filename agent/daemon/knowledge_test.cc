#include "agent/daemon/knowledge.h"

#include <gtest/gtest.h>

#include "agent/store/connect_words.h"
#include "agent/store/kafka_replica.h"

namespace medic {
namespace {

Config lab() {
    return load_config(R"(schema: 1
data_dir: d
clusters:
  lab:
    kafka: {bootstrap: [h:9092]}
    connect: {urls: [http://h:8083]}
    flink: [{url: http://h:8081}]
    nodes:
      - {name: broker-1, role: broker, driver: {kind: command, status: [x]}}
      - {name: w, role: connect-worker, driver: {kind: command, status: [x]}}
      - {name: tm-1, role: taskmanager, driver: {kind: command, status: [x]}}
)",
                       "medic.yaml")
        .value();
}

struct Fixture : testing::Test {
    Config config = lab();
    Knowledge knowledge{config};

    static Observation from(const std::string& target, WallTime at) {
        Observation observation;
        observation.target = target;
        observation.at = at;
        return observation;
    }
    static Subject subject(std::string kind, std::string name) { return {"lab", std::move(kind), std::move(name)}; }
    void node(const std::string& name, const std::string& role, const std::string& ports, WallTime at) {
        Observation seen = from("lab/process", at);
        seen.attributes[subject("node", name)] = {{"role", role}, {"ports", ports}};
        knowledge.apply(std::move(seen));
    }
};

TEST_F(Fixture, AListenerHearsObservationsAndPagesAlike) {
    std::vector<std::string> heard;
    knowledge.listen([&](const Observation& told) {
        for (const auto& [labels, value] : told.samples) heard.push_back(told.target + " " + labels.to_string());
    });
    Observation seen = from("lab/flink", {10'000});
    seen.sample("a", {{"cluster", "lab"}}, 1);
    knowledge.apply(std::move(seen));
    const SeriesId id = *knowledge.series().intern(Labels("b", {{"cluster", "lab"}}));
    knowledge.apply("lab", {.target = "lab/tm-1/metrics", .at = {10'000}, .samples = {{id, 2}}});
    EXPECT_EQ(heard, (std::vector<std::string>{"lab/flink a{cluster=\"lab\"}", "lab/tm-1/metrics b{cluster=\"lab\"}"}));
}

TEST_F(Fixture, AFactIsTheNewestSampleOfItsSubject) {
    Observation seen = from("lab/flink", {10'000});
    seen.sample("flink_job_parallelism", {{"cluster", "lab"}, {"job", "j"}}, 4);
    seen.sample("flink_job_parallelism", {{"cluster", "lab"}, {"job", "k"}}, 9);
    knowledge.apply(std::move(seen));
    const Fact fact = knowledge.fact({subject("job", "j"), "flink_job_parallelism"}, {12'000});
    EXPECT_EQ(fact.value, 4);
    EXPECT_EQ(fact.observed_at, (WallTime{10'000}));
}

TEST_F(Fixture, ManySamplesOfASubjectAddUpAndFormerOnesAreLeftOut) {
    Observation old = from("lab/flink", {10'000});
    old.outcome = ScrapeOutcome::partial;
    old.sample("flink_subtask_records_in_total",
               {{"cluster", "lab"}, {"job", "j"}, {"vertex", "v"}, {"subtask", "0"}, {"taskmanager", "dead"}}, 100);
    knowledge.apply(std::move(old));
    Observation seen = from("lab/flink", {60'000});
    seen.outcome = ScrapeOutcome::partial;
    for (const char* subtask : {"0", "1"})
        seen.sample("flink_subtask_records_in_total",
                    {{"cluster", "lab"}, {"job", "j"}, {"vertex", "v"}, {"subtask", subtask}, {"taskmanager", "tm"}},
                    5);
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact({subject("job", "j"), "flink_subtask_records_in_total"}, {61'000}).value, 10);
    EXPECT_EQ(knowledge.fact({subject("vertex", "j/v"), "flink_subtask_records_in_total"}, {61'000}).value, 10);
}

TEST_F(Fixture, WhatASidecarToldIsNoLongerKnownWhenItFallsSilent) {
    const FactKey up{subject("node", "tm-1"), "process_up"};
    Observation seen = from("lab/node/h:9470", {10'000});
    seen.sample("process_up", {{"cluster", "lab"}, {"node", "tm-1"}, {"role", "taskmanager"}}, 1);
    knowledge.expect("lab/node/h:9470", "lab", Duration{1'000});
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact(up, {10'500}).value, 1);
    for (const std::int64_t at : {11'000, 12'000}) {
        Observation none = from("lab/node/h:9470", {at});
        none.outcome = ScrapeOutcome::failed;
        none.error = "connection refused";
        none.withdraws = true;
        knowledge.apply(std::move(none));
        EXPECT_FALSE(knowledge.fact(up, {at}).known());
        EXPECT_EQ(knowledge.blind_targets({at}), std::vector<std::string>{"lab/node/h:9470"});
        EXPECT_EQ(knowledge.problem("lab/node/h:9470"), "connection refused");
    }
    Observation again = from("lab/node/h:9470", {13'000});
    again.sample("process_up", {{"cluster", "lab"}, {"node", "tm-1"}, {"role", "taskmanager"}}, 0);
    knowledge.apply(std::move(again));
    EXPECT_EQ(knowledge.fact(up, {13'000}).value, 0);
    EXPECT_TRUE(knowledge.blind_targets({13'000}).empty());
}

TEST_F(Fixture, AQuotaThatIsNotSetIsAnAnswerAndOneThatNobodyReadIsNone) {
    const FactKey loud = quota_key(subject("client", "loud"), "producer_byte_rate"),
                  quiet = quota_key(subject("client", "quiet"), "producer_byte_rate");
    EXPECT_FALSE(knowledge.fact(loud, {10'000}).known());
    Observation seen = from("lab/kafka", {10'000});
    const auto set = [&](std::vector<LabelPair> labels, const char* key, double value) {
        labels.emplace_back("cluster", "lab");
        labels.emplace_back("quota", key);
        seen.sample("kafka_client_quota", std::move(labels), value);
    };
    set({{"client", "loud"}}, "producer_byte_rate", 1'000);
    set({{"client", "loud"}}, "consumer_byte_rate", 5);
    set({{"client", "loud"}, {"user", "alice"}}, "producer_byte_rate", 7);
    set({{"client", "<default>"}}, "producer_byte_rate", 1e12);
    seen.sample("kafka_client_quotas_set", {{"cluster", "lab"}}, 4);
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact(loud, {11'000}).value, 1'000);
    EXPECT_EQ(knowledge.fact(quiet, {11'000}).text, no_quota);
    EXPECT_FALSE(knowledge.fact(quiet, {11'000}).value);
    EXPECT_EQ(knowledge.fact(quota_key(subject("user", "alice"), "producer_byte_rate"), {11'000}).text, no_quota)
        << "hers is of one client-id only";
    Observation gone = from("lab/kafka", {12'000});
    gone.sample("kafka_client_quotas_set", {{"cluster", "lab"}}, 0);
    knowledge.apply(std::move(gone));
    EXPECT_EQ(knowledge.fact(loud, {12'500}).text, no_quota);
    EXPECT_FALSE(knowledge.fact(loud, {12'000 + 6 * 60'000}).known());
}

TEST_F(Fixture, WhatIsNotHeldUpIsStableToItsEndWhereThatWasRead) {
    const FactKey key{partition_subject("lab", "big-orders", 3), std::string(last_stable_offset)};
    const auto look = [&](int second, std::optional<double> stable, std::optional<double> held) {
        Observation seen = from("lab/kafka", {second * 1'000});
        const auto tell = [&](std::string_view name, const char* partition, double value) {
            seen.sample(name, {{"cluster", "lab"}, {"topic", "big-orders"}, {"partition", partition}}, value);
        };
        tell("kafka_partition_log_end_offset", "3", 100);
        tell("kafka_partition_log_end_offset", "4", 500);
        if (stable) tell(last_stable_offset, "3", *stable);
        if (held) seen.sample("kafka_partitions_held_up", {{"cluster", "lab"}}, *held);
        knowledge.apply(std::move(seen));
    };
    look(10, std::nullopt, std::nullopt);
    EXPECT_FALSE(knowledge.fact(key, {11'000}).known()) << "nobody has looked";
    look(12, 60, 1);
    EXPECT_EQ(knowledge.fact(key, {13'000}).value, 60);
    look(14, std::nullopt, 0);
    EXPECT_EQ(knowledge.fact(key, {15'000}).value, 100);
}

TEST_F(Fixture, ATransactionIsItsProducersFromOneOffsetOn) {
    const std::string series = "kafka_partition_hanging_transaction_seconds";
    Observation seen = from("lab/kafka", {10'000});
    for (const auto& [offset, seconds] : {std::pair("17", 900.0), std::pair("40", 1'000.0)})
        seen.sample(series,
                    {{"cluster", "lab"},
                     {"topic", "big-orders"},
                     {"partition", "3"},
                     {"producer_id", "4000"},
                     {"producer_epoch", "0"},
                     {"coordinator_epoch", "-1"},
                     {"start_offset", offset}},
                    seconds);
    knowledge.apply(std::move(seen));
    const Subject partition = partition_subject("lab", "big-orders", 3);
    EXPECT_EQ(knowledge.fact({transaction_subject(partition, 4000, 0, 17), series}, {11'000}).value, 900);
    EXPECT_FALSE(knowledge.fact({transaction_subject(partition, 4000, 1, 17), series}, {11'000}).known());
    EXPECT_FALSE(knowledge.fact({transaction_subject(partition, 4000, 0, 18), series}, {11'000}).known());
}

TEST_F(Fixture, AReplicaIsOneBrokersCopyOfAPartition) {
    const std::string series = "kafka_replica_log_end_offset";
    Observation seen = from("lab/kafka", {10'000});
    for (const auto& [broker, end] : {std::pair("2", 950.0), std::pair("12", 900.0)})
        seen.sample(series, {{"cluster", "lab"}, {"topic", "big-orders"}, {"partition", "3"}, {"broker", broker}}, end);
    knowledge.apply(std::move(seen));
    const Subject partition = partition_subject("lab", "big-orders", 3);
    EXPECT_EQ(knowledge.fact({replica_subject(partition, 2), series}, {11'000}).value, 950);
    EXPECT_EQ(knowledge.fact({replica_subject(partition, 12), series}, {11'000}).value, 900);
    EXPECT_FALSE(knowledge.fact({replica_subject(partition, 1), series}, {11'000}).known());
    EXPECT_FALSE(knowledge.fact({{"lab", "replica", "nonsense"}, series}, {11'000}).known());
}

TEST_F(Fixture, APartitionsReplicasAreThoseOfItsTopicsAssignment) {
    const FactKey key{partition_subject("lab", "my-topic", 1), "replicas"};
    EXPECT_FALSE(knowledge.fact(key, {11'000}).known()) << "nobody has looked";
    Observation seen = from("lab/kafka", {11'000});
    seen.attributes[subject("topic", "my-topic")]["assignment"] = "0:1,2;1:2,3,1;11:3";
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact(key, {12'000}).text, "2,3,1");
    EXPECT_EQ(knowledge.fact(key, {12'000}).observed_at, (WallTime{11'000}));
    EXPECT_FALSE(knowledge.fact({partition_subject("lab", "my-topic", 2), "replicas"}, {12'000}).known());
    EXPECT_FALSE(knowledge.fact({partition_subject("lab", "other", 1), "replicas"}, {12'000}).known());
}

TEST_F(Fixture, WhereATaskRunsIsWhatWorkersTellNow) {
    const Subject task = subject("connector-task", "audit/0");
    const FactKey key = runs_on_key(task);
    knowledge.expect("lab/connect", "lab", Duration{1'000});
    EXPECT_FALSE(knowledge.fact(key, {9'000}).known()) << "nobody has looked";
    Observation seen = from("lab/connect", {10'000});
    seen.attributes[task] = {{"state", "RUNNING"}, {"worker", "h:8083"}};
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact(key, {11'000}).text, "h:8083");
    Observation rebalance = from("lab/connect", {12'000});
    rebalance.lacks("connectors: a rebalance is under way");
    knowledge.apply(std::move(rebalance));
    EXPECT_EQ(knowledge.fact(key, {13'000}).observed_at, (WallTime{10'000})) << "nobody has told of it since";
    Observation none = from("lab/connect", {14'000});
    none.outcome = ScrapeOutcome::failed;
    knowledge.apply(std::move(none));
    EXPECT_EQ(knowledge.fact(key, {40'000}).text, no_worker_answers);
    EXPECT_EQ(knowledge.fact(key, {40'000}).observed_at, (WallTime{40'000}));
    EXPECT_FALSE(knowledge.fact(key, {14'000 + 6 * 60'000}).known()) << "nobody has looked for long";
}

TEST_F(Fixture, AStateIsAWord) {
    Observation seen = from("lab/flink", {10'000});
    seen.sample("flink_job_state", {{"cluster", "lab"}, {"job", "j"}, {"state", "RUNNING"}}, 0);
    seen.sample("flink_job_state", {{"cluster", "lab"}, {"job", "j"}, {"state", "RESTARTING"}}, 1);
    knowledge.apply(std::move(seen));
    const Fact fact = knowledge.fact({subject("job", "j"), "flink_job_state"}, {11'000});
    EXPECT_EQ(fact.text, "RESTARTING");
    EXPECT_FALSE(fact.value);
}

TEST_F(Fixture, WhatIsNotKnownOrTooOldIsUnknownNeverZero) {
    EXPECT_FALSE(knowledge.fact({subject("job", "j"), "flink_job_parallelism"}, {1'000}).known());
    Observation seen = from("lab/flink", {10'000});
    seen.sample("flink_job_parallelism", {{"cluster", "lab"}, {"job", "j"}}, 4);
    knowledge.apply(std::move(seen));
    EXPECT_FALSE(knowledge.fact({subject("job", "j"), "flink_job_parallelism"}, {10'000 + 6 * 60'000}).known());
    EXPECT_FALSE(knowledge.fact({subject("job", "other"), "version"}, {10'000}).known());
}

TEST_F(Fixture, AttributesAreFactsToo) {
    Observation seen = from("lab/flink", {10'000});
    seen.attributes[subject("job", "j")] = {{"version", "v2"}, {"checkpoint_id", "17"}, {"spare", "true"}};
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact({subject("job", "j"), "version"}, {11'000}).text, "v2");
    EXPECT_EQ(knowledge.fact({subject("job", "j"), "checkpoint_id"}, {11'000}).value, 17);
    EXPECT_EQ(knowledge.fact({subject("job", "j"), "spare"}, {11'000}).value, 1);
    EXPECT_EQ(knowledge.fact({subject("job", "j"), "version"}, {11'000}).observed_at, (WallTime{10'000}));
}

TEST_F(Fixture, ReachabilityIsKnownWhenTheLookAsAWholeFailed) {
    Observation seen = from("lab/flink", {10'000});
    seen.outcome = ScrapeOutcome::failed;
    seen.error = "refused";
    seen.sample("flink_jobmanager_reachable", {{"cluster", "lab"}}, 0);
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact({subject("cluster", "lab"), "flink_jobmanager_reachable"}, {11'000}).value, 0);
    EXPECT_EQ(knowledge.problem("lab/flink"), "refused");
}

TEST_F(Fixture, AClusterWithSeveralFlinksIsReachableWhileAllOfThemAre) {
    const auto told = [&](const std::string& flink, double answers, WallTime at) {
        Observation seen = from("lab/flink/" + flink, at);
        seen.outcome = answers == 1 ? ScrapeOutcome::complete : ScrapeOutcome::failed;
        seen.sample("flink_jobmanager_reachable", {{"cluster", "lab"}, {"flink", flink}}, answers);
        knowledge.apply(std::move(seen));
    };
    const auto fact = [&](const char* kind, const char* name, WallTime now) {
        return knowledge.fact({subject(kind, name), "flink_jobmanager_reachable"}, now);
    };
    told("a:8081", 0, {10'000});
    told("b:8081", 1, {11'000});
    EXPECT_EQ(fact("cluster", "lab", {12'000}).value, 0) << "whoever was looked at last";
    EXPECT_EQ(fact("flink", "a:8081", {12'000}).value, 0);
    EXPECT_EQ(fact("flink", "b:8081", {12'000}).value, 1);
    told("b:8081", 1, {40'000});
    EXPECT_EQ(fact("cluster", "lab", {41'000}).value, 0) << "one that failed is asked more seldom";
    told("a:8081", 1, {42'000});
    EXPECT_EQ(fact("cluster", "lab", {43'000}).value, 1);
    EXPECT_EQ(fact("cluster", "lab", {43'000}).observed_at, (WallTime{40'000}));
}

TEST_F(Fixture, BlindIsWhoFailedOrWasNotSeenForLong) {
    knowledge.expect("lab/flink", "lab", Duration{1'000});
    knowledge.expect("lab/kafka", "lab", Duration{2'000});
    EXPECT_EQ(knowledge.blind_targets({1'000}).size(), 2u);
    EXPECT_FALSE(knowledge.looked_at_all());
    knowledge.apply(from("lab/flink", {10'000}));
    knowledge.apply(from("lab/kafka", {10'000}));
    EXPECT_TRUE(knowledge.looked_at_all());
    EXPECT_TRUE(knowledge.blind_targets({12'000}).empty());
    EXPECT_EQ(knowledge.blind_targets({15'500}), (std::vector<std::string>{"lab/flink"}));
}

TEST_F(Fixture, ProcessesAreLinkedByThePortTheyListenOn) {
    Observation kafka = from("lab/kafka", {10'000});
    kafka.attributes[subject("broker", "7")]["address"] = "h:19092";
    knowledge.apply(std::move(kafka));
    node("broker-1", "broker", "19092,7071", {10'500});
    EXPECT_EQ(knowledge.link("lab", "broker-1").broker, "7");
    EXPECT_EQ(knowledge.topology().attribute(subject("broker", "7"), "node"), "broker-1");
    EXPECT_EQ(knowledge.topology().attribute(subject("node", "broker-1"), "broker"), "7");
}

TEST_F(Fixture, WhatAnEarlierAgentKnewOfADeadProcessIsRemembered) {
    knowledge.remember_links({{{"lab", "broker-1"}, {.broker = "7", .worker = "", .taskmanager = ""}},
                              {{"lab", "no-such-node"}, {.broker = "8", .worker = "", .taskmanager = ""}}},
                             {9'000});
    EXPECT_EQ(knowledge.topology().attribute(subject("broker", "7"), "node"), "broker-1");
    EXPECT_FALSE(knowledge.topology().attribute(subject("broker", "8"), "node")) << "it is not configured any more";
    node("broker-1", "broker", "", {10'500});
    EXPECT_EQ(knowledge.link("lab", "broker-1").broker, "7") << "a look that sees no process takes nothing back";
}

TEST_F(Fixture, AFormerTaskManagerOfANodeKeepsItsNode) {
    Observation flink = from("lab/flink", {10'000});
    flink.attributes[subject("taskmanager", "tm-1-aaa")]["address"] = "h:5001";
    knowledge.apply(std::move(flink));
    node("tm-1", "taskmanager", "5001", {10'500});
    EXPECT_EQ(knowledge.link("lab", "tm-1").taskmanager, "tm-1-aaa");
    Observation later = from("lab/flink", {20'000});
    later.attributes[subject("taskmanager", "tm-1-bbb")]["address"] = "h:5002";
    knowledge.apply(std::move(later));
    EXPECT_EQ(knowledge.link("lab", "tm-1").taskmanager, "tm-1-aaa");
    node("tm-1", "taskmanager", "5002", {20'500});
    EXPECT_EQ(knowledge.link("lab", "tm-1").taskmanager, "tm-1-bbb");
    EXPECT_EQ(knowledge.topology().attribute(subject("taskmanager", "tm-1-aaa"), "node"), "tm-1");
    EXPECT_EQ(knowledge.topology().attribute(subject("taskmanager", "tm-1-bbb"), "node"), "tm-1");
}

TEST_F(Fixture, TaskProcessesCarryTheWorkersOwnNameOnceItIsKnown) {
    Observation connect = from("lab/connect", {10'000});
    connect.attributes[subject("worker", "h:8083")]["address"] = "h:8083";
    knowledge.apply(std::move(connect));
    node("w", "connect-worker", "8083", {10'500});
    Observation seen = from("lab/process", {11'000});
    seen.attributes[subject("node", "w")] = {{"role", "connect-worker"}, {"ports", "8083"}};
    seen.sample("connect_task_process_cpu_seconds_total",
                {{"cluster", "lab"}, {"connector", "c"}, {"task", "0"}, {"worker", "w"}}, 3);
    knowledge.apply(std::move(seen));
    EXPECT_EQ(knowledge.fact({subject("worker", "h:8083"), "connect_task_process_cpu_seconds_total"}, {11'500}).value,
              3);
}

TEST_F(Fixture, APartialLookTakesNothingBack) {
    Observation whole = from("lab/flink", {10'000});
    whole.attributes[subject("taskmanager", "a")]["path"] = "x";
    knowledge.apply(std::move(whole));
    Observation part = from("lab/flink", {11'000});
    part.outcome = ScrapeOutcome::partial;
    part.attributes[subject("job", "j")]["id"] = "1";
    knowledge.apply(std::move(part));
    EXPECT_TRUE(knowledge.topology().attribute(subject("taskmanager", "a"), "path"));
    knowledge.apply(from("lab/flink", {12'000}));
    EXPECT_FALSE(knowledge.topology().attribute(subject("taskmanager", "a"), "path"));
}

TEST_F(Fixture, WorkUnderWayKeepsItsBeginning) {
    for (const std::int64_t at : {10'000, 11'000}) {
        Observation seen = from("lab/kafka", {at});
        seen.under_way.push_back({subject("topic", "t"), "reassignment", ""});
        knowledge.apply(std::move(seen));
    }
    const auto work = knowledge.operations({11'500});
    ASSERT_EQ(work.operations.size(), 1u);
    EXPECT_EQ(work.operations[0].since, (WallTime{10'000}));
    knowledge.apply(from("lab/kafka", {12'000}));
    EXPECT_TRUE(knowledge.operations({12'500}).operations.empty());
}

TEST(Budgets, WhatIsOverAClustersShareIsNotKeptAndItsTargetSaysSo) {
    const Config config = lab();
    KnowledgeOptions options;
    options.store.series_per_cluster_max = 5;
    Knowledge knowledge(config, options);
    knowledge.expect("lab/flink", "lab", Duration{1'000});
    Observation seen;
    seen.target = "lab/flink";
    seen.at = {10'000};
    for (int i = 0; i < 10; ++i)
        seen.sample("flink_job_parallelism", {{"cluster", "lab"}, {"job", "j" + std::to_string(i)}}, 1);
    knowledge.apply(std::move(seen));
    EXPECT_NE(knowledge.problem("lab/flink").find("5 series over the budget"), std::string::npos)
        << knowledge.problem("lab/flink");
    EXPECT_TRUE(knowledge.fact({{"lab", "job", "j0"}, "flink_job_parallelism"}, {11'000}).known());
    EXPECT_FALSE(knowledge.fact({{"lab", "job", "j9"}, "flink_job_parallelism"}, {11'000}).known());
}

TEST_F(Fixture, ALogLineIsAboutTheMostSpecificThingThatItNames) {
    Observation flink = from("lab/flink", {10'000});
    flink.attributes[subject("job", "orders")] = {{"id", "f3354c755bba6d905a16c736d2ee5153"}};
    flink.attributes[subject("taskmanager", "tm-1-a")] = {};
    knowledge.apply(std::move(flink));
    const auto log = [&](std::map<std::string, std::string> fields) {
        Observation seen = from("lab/logs", {11'000});
        seen.events.push_back(
            {.at = {11'000}, .subject = subject("node", fields["node"]), .kind = "log", .fields = fields});
        knowledge.apply(std::move(seen));
        return knowledge.timeline().since({0}).back()->subject;
    };
    EXPECT_EQ(log({{"node", "tm-1"}, {"job_id", "f3354c755bba6d905a16c736d2ee5153"}}), subject("job", "orders"));
    EXPECT_EQ(knowledge.timeline().since({0}).back()->fields.at("taskmanager"), "tm-1-a");
    EXPECT_EQ(log({{"node", "tm-1"}, {"job_id", "00000000000000000000000000000000"}}),
              subject("taskmanager", "tm-1-a"));
    EXPECT_EQ(log({{"node", "w"}, {"connector", "c"}, {"task", "0"}}), subject("connector-task", "c/0"));
    EXPECT_EQ(log({{"node", "w"}}), subject("node", "w"));  // Not known to be any worker yet.
}

// Brokers on hosts of their own all listen on the same port: which is which says the host, or the name.
TEST(KnowledgeOfSeveralHosts, ASharedPortAloneLinksNobody) {
    const Config config = load_config(R"(schema: 1
data_dir: d
clusters:
  lab:
    kafka: {bootstrap: [h:9092]}
    nodes:
      - {name: broker-1, role: broker, driver: {kind: agent, url: "http://h1:9470", token_file: t}}
      - {name: broker-2, role: broker, driver: {kind: agent, url: "http://h2:9470", token_file: t}}
      - {name: blue, role: broker, driver: {kind: agent, url: "http://h3:9470", token_file: t}}
)",
                                      "medic.yaml")
                              .value();
    Knowledge knowledge{config};
    Observation kafka;
    kafka.target = "lab/kafka";
    kafka.at = {10'000};
    // Broker 1 advertises another name of its host, broker 3 nothing that fits.
    kafka.attributes[{"lab", "broker", "1"}] = {{"address", "kafka-one:9092"}};
    kafka.attributes[{"lab", "broker", "2"}] = {{"address", "h2:9092"}};
    kafka.attributes[{"lab", "broker", "3"}] = {{"address", "kafka-three:9092"}};
    knowledge.apply(std::move(kafka));
    for (const auto& [node, host] :
         {std::pair{"broker-1", "h1"}, std::pair{"broker-2", "h2"}, std::pair{"blue", "h3"}}) {
        Observation seen;
        seen.target = std::string("lab/node/") + host + ":9470";
        seen.at = {11'000};
        seen.attributes[{"lab", "node", node}] = {{"role", "broker"}, {"ports", "9092"}};
        knowledge.apply(std::move(seen));
    }
    EXPECT_EQ(knowledge.link("lab", "broker-2").broker, "2");
    EXPECT_EQ(knowledge.link("lab", "broker-1").broker, "1");
    EXPECT_EQ(knowledge.link("lab", "blue").broker, "");
}

}  // namespace
}  // namespace medic
