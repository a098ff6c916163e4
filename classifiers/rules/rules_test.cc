#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "classifiers/rules/rule_engine.h"
#include "classifiers/rules/rule_reports.h"

namespace medic {
namespace {

Result<RuleSet> read(std::string text, std::vector<std::string>* warnings = nullptr) {
    const RuleFileText file{"r.yaml", std::move(text)};
    return RuleSet::parse(std::span(&file, 1), warnings);
}

std::string problems(std::string text) {
    const auto set = read(std::move(text));
    return set ? "" : set.error().message;
}

constexpr std::string_view silent_rule = R"(
groups:
  - name: g
    rules:
      - alert: Silent
        expr: age_seconds > 5
        for: 3s
        keep_firing_for: 2s
        labels: {severity: page, where: "{{ $labels.node }}"}
        annotations:
          medic_subject: taskmanager/{{ $labels.taskmanager }}
          summary: silent for {{ $value | humanizeDuration }}
)";

TEST(RuleSet, reads_prometheus_rule_files) {
    const auto set = read(std::string(silent_rule) + R"(
      - record: job:rate
        expr: sum by (job) (rate(x[1m]))
        labels: {a: b}
  - name: empty
    rules: []
)");
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->rules(), 2U);
    const Rule* rule = set->find("Silent");
    ASSERT_NE(rule, nullptr);
    EXPECT_EQ(rule->hold, Duration{3000});
    EXPECT_EQ(rule->keep_firing, Duration{2000});
    EXPECT_EQ(rule->where, "r.yaml:5:9");
    EXPECT_EQ(set->find("job:rate")->kind, Rule::Kind::record);
}

TEST(RuleSet, reads_the_kubernetes_wrapping) {
    const auto set = read(
        "apiVersion: v1\nkind: PrometheusRule\nspec:\n  groups:\n  - name: a\n    rules:\n    - alert: X\n      expr: "
        "up == 0\n");
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->rules(), 1U);
}

TEST(RuleSet, names_the_place_of_every_problem_at_once) {
    const std::string text = problems(R"(
groups:
  - name: g
    rules:
      - alert: A
        expr: rate(x)
      - alert: B
        expr: x > 1
        fro: 5m
      - record: bad-name
        expr: x
      - alert: C
        record: c
        expr: x
      - alert: D
      - alert: E
        expr: "x +"
      - record: f
        expr: x[5m]
        for: 1m
)");
    EXPECT_NE(text.find("r.yaml:6:20: expected type range vector in call to function \"rate\", got instant vector"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("r.yaml:9:9: unknown key \"fro\": did you mean \"for\"?"), std::string::npos) << text;
    EXPECT_NE(text.find("r.yaml:10:17: expected the name of a series"), std::string::npos) << text;
    EXPECT_NE(text.find("r.yaml:12:9: expected one of alert and record"), std::string::npos) << text;
    EXPECT_NE(text.find("r.yaml:15:9: expected expr"), std::string::npos) << text;
    EXPECT_NE(text.find("r.yaml:17:15: in the expression, line 1, column 4"), std::string::npos) << text;
    EXPECT_NE(text.find("expected an expression that gives an instant vector or a scalar, found a range vector"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("for is for alerts only"), std::string::npos) << text;
}

TEST(RuleSet, refuses_templates_that_cannot_be_read) {
    const auto text = problems(
        "groups: [{name: g, rules: [{alert: A, expr: x > 1, annotations: {t: '{{ range query \"x\" }}', u: '{{ nope "
        "1 }}', v: '{{ $y }}'}}]}]");
    EXPECT_NE(text.find("r.yaml:1:"), std::string::npos) << text;
    EXPECT_NE(text.find("expected {{end}}"), std::string::npos) << text;
    EXPECT_NE(text.find("function \"nope\" not defined"), std::string::npos) << text;
    EXPECT_NE(text.find("undefined variable \"$y\""), std::string::npos) << text;
    EXPECT_TRUE(read("groups: [{name: g, rules: [{record: a, expr: x, labels: {t: '{{ literal'}}]}]"));
}

TEST(RuleSet, warns_of_rules_whose_results_can_collide) {
    std::vector<std::string> warnings;
    ASSERT_TRUE(
        read("groups: [{name: g, rules: [{alert: A, expr: x > 1}, {alert: A, expr: y > 1}, {alert: A, expr: z > "
             "1, labels: {a: b}}]}]",
             &warnings));
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("can collide"), std::string::npos);
}

// A store and an engine under a clock that is told.
struct Bench {
    SeriesStore store;
    RuleEngine engine;
    std::int64_t second = 0;

    explicit Bench(std::string_view rules, RuleEngineOptions options = {.cluster_default = "lab"})
        : engine(read(std::string(rules)).value(), std::move(options)) {}

    void put(std::string_view name, std::vector<LabelPair> labels, double value) {
        pending.emplace_back(*store.intern(Labels(name, std::move(labels))), value);
    }
    std::vector<SymptomChange> step() {
        ScrapeBatch batch;
        batch.target = "t";
        batch.at = {second * 1000};
        batch.samples = std::move(pending);
        pending.clear();
        store.append(batch);
        auto changes = engine.evaluate(store, now());
        ++second;
        return changes;
    }
    [[nodiscard]] Now now() const { return {Instant{Duration{second * 1000}}, {second * 1000}}; }
    std::vector<std::pair<SeriesId, double>> pending;
};

TEST(RuleEngine, a_symptom_begins_after_for_and_ends_after_keep_firing) {
    Bench b(silent_rule);
    std::vector<std::pair<std::int64_t, SymptomChange>> changes;
    for (int second = 0; second < 12; ++second) {
        const double age = second >= 2 && second < 8 ? 10 : 0;
        b.put("age_seconds", {{"taskmanager", "tm-1"}, {"node", "n1"}, {"cluster", "prod"}}, age);
        for (const auto& change : b.step()) changes.emplace_back(second, change);
    }
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].first, 5);
    const Symptom& symptom = changes[0].second.symptom;
    EXPECT_EQ(changes[0].second.kind, SymptomChange::Kind::began);
    EXPECT_EQ(symptom.id, "Silent");
    EXPECT_EQ(symptom.subject, (Subject{"prod", "taskmanager", "tm-1"}));
    EXPECT_EQ(symptom.since.unix_ms, 2000);
    EXPECT_EQ(symptom.summary, "silent for 10s");
    EXPECT_EQ(symptom.labels.at("severity"), "page");
    EXPECT_EQ(symptom.labels.at("where"), "n1");
    EXPECT_EQ(changes[1].first, 10);
    EXPECT_EQ(changes[1].second.kind, SymptomChange::Kind::ended);
    EXPECT_FALSE(changes[1].second.no_data);
}

TEST(RuleEngine, a_condition_shorter_than_for_is_no_symptom) {
    Bench b(silent_rule);
    for (int second = 0; second < 20; ++second) {
        b.put("age_seconds", {{"taskmanager", "tm-1"}}, second % 3 == 0 ? 0 : 10);
        EXPECT_TRUE(b.step().empty());
    }
}

TEST(RuleEngine, without_data_nothing_begins_and_an_end_says_that_data_is_gone) {
    Bench b(silent_rule);
    for (int second = 0; second < 5; ++second) EXPECT_TRUE(b.step().empty());
    for (int second = 0; second < 4; ++second) {
        b.put("age_seconds", {{"taskmanager", "tm-1"}}, 10);
        b.put("age_seconds", {{"taskmanager", "tm-2"}}, 0);
        b.step();
    }
    EXPECT_EQ(b.engine.symptoms().size(), 1U);
    std::vector<SymptomChange> changes;
    for (int second = 0; second < 4 && changes.empty(); ++second) {
        b.put("age_seconds", {{"taskmanager", "tm-2"}}, 0);  // tm-2 is seen: that says nothing of tm-1.
        changes = b.step();
    }
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].kind, SymptomChange::Kind::ended);
    EXPECT_TRUE(changes[0].no_data);
}

TEST(RuleEngine, tells_of_a_value_that_moved_but_not_of_noise) {
    Bench b("groups: [{name: g, rules: [{alert: A, expr: x > 1}]}]");
    b.put("x", {}, 100);
    EXPECT_EQ(b.step().size(), 1U);
    b.put("x", {}, 100.1);
    EXPECT_TRUE(b.step().empty());
    b.put("x", {}, 150);
    const auto changes = b.step();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].kind, SymptomChange::Kind::updated);
    EXPECT_EQ(changes[0].symptom.value, 150);
    EXPECT_EQ(changes[0].symptom.subject, (Subject{"lab", "cluster", "lab"}));
}

TEST(RuleEngine, a_jump_of_wall_time_neither_fires_nor_forgives) {
    Bench b("groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 10s}]}]");
    b.put("x", {}, 5);
    EXPECT_TRUE(b.step().empty());
    ScrapeBatch batch;
    batch.target = "t";
    batch.at = {7'200'000};
    batch.samples = {{*b.store.intern(Labels("x", {})), 5}};
    b.store.append(batch);
    EXPECT_TRUE(b.engine.evaluate(b.store, {Instant{Duration{2000}}, {7'200'000}}).empty());
    EXPECT_EQ(b.engine.evaluate(b.store, {Instant{Duration{10'000}}, {7'208'000}}).size(), 1U);
}

TEST(RuleEngine, recording_rules_feed_later_rules_and_go_stale) {
    Bench b(R"(
groups:
  - name: g
    rules:
      - record: total
        expr: sum by (job) (x)
        labels: {from: rule}
      - alert: Large
        expr: total{from="rule"} > 10
)");
    b.put("x", {{"job", "a"}, {"i", "1"}}, 6);
    b.put("x", {{"job", "a"}, {"i", "2"}}, 6);
    auto changes = b.step();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].symptom.subject, (Subject{"lab", "job", "a"}));
    changes = b.step();  // x is gone, and so is total: not the old sum for five more minutes.
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_TRUE(changes[0].no_data);
}

TEST(RuleEngine, a_rule_that_fails_says_so_and_keeps_its_symptoms) {
    Bench b("groups: [{name: g, rules: [{alert: A, expr: a * on(n) b > 0}]}]");
    b.put("a", {{"n", "1"}}, 1);
    b.put("b", {{"n", "1"}}, 1);
    EXPECT_EQ(b.step().size(), 1U);
    b.put("a", {{"n", "1"}}, 1);
    b.put("b", {{"n", "1"}}, 1);
    b.put("b", {{"n", "1"}, {"m", "2"}}, 1);
    EXPECT_TRUE(b.step().empty());
    ASSERT_EQ(b.engine.problems().size(), 1U);
    EXPECT_NE(b.engine.problems()[0].message.find("duplicate series"), std::string::npos);
    EXPECT_EQ(b.engine.symptoms().size(), 1U);
}

TEST(RuleEngine, timers_and_symptoms_survive_a_restart) {
    Bench b("groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 5s}, {alert: B, expr: y > 1}]}]");
    const auto put = [](Bench& into) {
        into.put("x", {{"topic", "t\tq"}}, 5);
        into.put("y", {{"topic", "t"}}, 5);
        return into.step();
    };
    for (int second = 0; second < 4; ++second) put(b);
    const std::string snapshot = b.engine.snapshot(b.now());
    Bench after("groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 5s}, {alert: B, expr: y > 1}]}]");
    after.second = 100;
    after.engine.restore(snapshot, after.now());
    EXPECT_EQ(after.engine.symptoms().size(), 1U);
    EXPECT_EQ(after.engine.alerts().size(), 2U);
    EXPECT_EQ(put(after).size(), 1U);  // B, updated: its value is known again.
    const auto changes = put(after);   // A has held for 4 + 1 s.
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].symptom.id, "A");
    EXPECT_EQ(changes[0].symptom.since.unix_ms, 0);
    Bench other("groups: [{name: g, rules: [{alert: C, expr: x > 1}]}]");
    other.engine.restore(snapshot + "garbage\n\n1\t2\n", other.now());
    EXPECT_TRUE(other.engine.alerts().empty());
}

TEST(RuleEngine, groups_keep_their_interval) {
    Bench b("groups: [{name: g, interval: 5s, rules: [{alert: A, expr: x > 1}]}]");
    std::size_t changes = 0;
    for (int second = 0; second < 10; ++second) {
        b.put("x", {}, second == 0 ? 0 : 5);
        changes += b.step().size();
        if (second < 5) {
            EXPECT_EQ(changes, 0U);
        }
    }
    EXPECT_EQ(changes, 1U);
    EXPECT_EQ(b.engine.cost().evaluations, 2U);
}

TEST(RuleSubject, is_the_most_specific_label_that_is_known) {
    const auto of = [](std::vector<LabelPair> labels) {
        return to_string(subject_of(Labels("m", std::move(labels)), "", "lab"));
    };
    EXPECT_EQ(of({{"connector", "c"}, {"task", "0"}, {"worker", "w"}}), "lab:connector-task/c/0");
    EXPECT_EQ(of({{"broker", "1"}, {"log_dir", "/d"}}), "lab:log-dir/1:/d");
    EXPECT_EQ(of({{"job", "j"}, {"vertex", "v"}}), "lab:vertex/j/v");
    EXPECT_EQ(of({{"group", "g"}, {"topic", "t"}}), "lab:group/g");
    EXPECT_EQ(of({{"cluster", "prod"}}), "prod:cluster/prod");
    EXPECT_EQ(of({{"instance", "h:9"}}), "lab:node/h:9");
}

// ---- medic rules check|test|explain

struct Folder {
    std::string path;
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "medic-rules-XXXXXX").string();
        path = mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string write(const std::string& name, std::string_view text) const {
        std::ofstream(path + "/" + name) << text;
        return path + "/" + name;
    }
};

std::string test_file(std::string_view expected_state) {
    return fmt::format(R"(
rule_files: [r.yaml]
evaluation_interval: 1s
tests:
  - interval: 1s
    input_series:
      - series: age_seconds{{taskmanager="tm-1", node="n"}}
        values: 0 0 10x10
    alert_rule_test:
      - {{eval_time: 4s, alertname: Silent, exp_alerts: []}}
      - eval_time: 6s
        alertname: Silent
        exp_alerts:
          - exp_labels: {{severity: page, where: {}, taskmanager: tm-1, node: n}}
            exp_annotations: {{medic_subject: taskmanager/tm-1, summary: silent for 10s}}
    promql_expr_test:
      - {{expr: 'max(age_seconds) by (node)', eval_time: 3s, exp_samples: [{{labels: '{{node="n"}}', value: 10}}]}}
)",
                       expected_state);
}

TEST(RuleReports, runs_unit_tests_of_rules) {
    const Folder folder;
    folder.write("r.yaml", silent_rule);
    const std::string good = folder.write("good_test.yaml", test_file("n")),
                      bad = folder.write("bad_test.yaml", test_file("other"));
    const auto passed = test_rules(std::span(&good, 1));
    EXPECT_TRUE(passed.ok) << passed.text;
    const auto failed = test_rules(std::span(&bad, 1));
    EXPECT_FALSE(failed.ok);
    EXPECT_NE(failed.text.find("bad_test.yaml:14:13: Silent does not fire with"), std::string::npos) << failed.text;
    EXPECT_NE(failed.text.find("fires unexpectedly"), std::string::npos) << failed.text;
}

TEST(RuleReports, checks_and_explains) {
    const Folder folder;
    const std::string good = folder.write("r.yaml", silent_rule);
    const std::string odd =
        folder.write("odd.yaml", "groups: [{name: g, rules: [{alert: A, expr: 'rate(x_bytes[1s])'}]}]");
    const std::string bad = folder.write("bad.yaml", "groups: [{name: g, rules: [{alert: A, expr: 'rate('}]}]");
    EXPECT_TRUE(check_rules(std::span(&good, 1)).ok);
    const auto warned = check_rules(std::span(&odd, 1));
    EXPECT_TRUE(warned.ok);
    EXPECT_NE(warned.text.find("compares nothing"), std::string::npos) << warned.text;
    EXPECT_FALSE(check_rules(std::span(&bad, 1)).ok);
    const std::string none = folder.path + "/none";
    EXPECT_FALSE(check_rules(std::span(&none, 1)).ok);
    const auto explained = explain_rule(good, "Silent");
    EXPECT_TRUE(explained.ok);
    EXPECT_NE(explained.text.find("when it gives a result for 3s"), std::string::npos) << explained.text;
    EXPECT_FALSE(explain_rule(good, "None").ok);
}

TEST(RuleReports, the_rules_that_come_with_the_product_pass_their_tests) {
    std::vector<std::string> rules, tests;
    for (const auto& entry : std::filesystem::directory_iterator("rules/symptoms")) {
        const std::string path = entry.path().string();
        (path.ends_with("_test.yaml") ? tests : rules).push_back(path);
    }
    ASSERT_FALSE(rules.empty());
    const auto checked = check_rules(rules);
    EXPECT_TRUE(checked.ok) << checked.text;
    const auto tested = test_rules(tests);
    EXPECT_TRUE(tested.ok) << tested.text;
}

}  // namespace
}  // namespace medic
