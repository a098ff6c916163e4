#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "classifiers/rules/promql/engine.h"
#include "classifiers/rules/script/script.h"

namespace medic::promql {
namespace {

void expect_script(std::string_view text, std::size_t evaluations) {
    const auto report = run_promql_script(text, "script");
    for (const auto& failure : report.failures) ADD_FAILURE() << failure;
    EXPECT_EQ(report.passed, evaluations);
    EXPECT_EQ(report.skipped, 0U);
}

// Every script of testdata/: what Prometheus says of the same series and expressions.
TEST(Promql, scripts_give_what_prometheus_gives) {
    std::size_t scripts = 0;
    for (const auto& entry : std::filesystem::directory_iterator("classifiers/rules/promql/testdata")) {
        std::ifstream in(entry.path(), std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        const auto report = run_promql_script(text.str(), entry.path().string());
        for (const auto& failure : report.failures) ADD_FAILURE() << failure;
        EXPECT_GT(report.passed, 5U) << entry.path();
        EXPECT_EQ(report.skipped, 0U) << entry.path();
        ++scripts;
    }
    EXPECT_GE(scripts, 4U);
}

TEST(Promql, rates_are_extrapolated_and_survive_counter_resets) {
    expect_script(R"script(
load 10s
  requests{job="a"} 0+10x60
  requests{job="b"} 0+10x20 0+10x40
  gauge 100-1x60
  once _x30 5

eval instant at 5m rate(requests{job="a"}[1m])
  {job="a"} 1

eval instant at 5m sum(rate(requests[5m]))
  {} 1.9655172413793103

eval instant at 5m increase(requests{job="a"}[1m])
  {job="a"} 60

eval instant at 230s resets(requests[5m])
  {job="a"} 0
  {job="b"} 1

eval instant at 5m irate(requests{job="a"}[1m])
  {job="a"} 1

eval instant at 5m delta(gauge[1m])
  {} -6

eval instant at 5m idelta(gauge[1m])
  {} -1

eval instant at 5m deriv(gauge[2m])
  {} -0.1

eval instant at 5m predict_linear(gauge[2m], 600)
  {} 10

eval instant at 5m rate(once[1m])
)script",
                  10);
}

TEST(Promql, stale_series_vanish_at_once_and_silent_ones_after_the_lookback) {
    expect_script(R"script(
load 10s
  stopped 1 2 stale
  silent 1 2

eval instant at 10s stopped
  stopped 2

eval instant at 20s stopped

eval instant at 309s silent
  silent 2

eval instant at 310s silent

eval instant at 20s count_over_time(stopped[1m])
  {} 2

eval instant at 20s absent(stopped{job="x",node=~"y"})
  {job="x"} 1

eval instant at 20s absent(silent)

eval instant at 1h absent_over_time(silent[5m])
  {} 1
)script",
                  8);
}

TEST(Promql, vectors_match_by_their_labels) {
    expect_script(R"script(
load 1m
  used{node="1",dir="a"} 60
  used{node="1",dir="b"} 10
  used{node="2",dir="a"} 90
  size{node="1",dir="a"} 100
  size{node="2",dir="a"} 100
  zone{node="1",zone="z1"} 1
  zone{node="2",zone="z2"} 1

eval instant at 0 used / size
  {node="1",dir="a"} 0.6
  {node="2",dir="a"} 0.9

eval instant at 0 used / size > 0.8
  {node="2",dir="a"} 0.9

eval instant at 0 used > bool 50
  {node="1",dir="a"} 1
  {node="1",dir="b"} 0
  {node="2",dir="a"} 1

eval instant at 0 used * on(node) group_left(zone) zone
  {node="1",dir="a",zone="z1"} 60
  {node="1",dir="b",zone="z1"} 10
  {node="2",dir="a",zone="z2"} 90

eval instant at 0 zone * ignoring(dir,zone) group_right used
  {node="1",dir="a"} 60
  {node="1",dir="b"} 10
  {node="2",dir="a"} 90

eval_fail instant at 0 used * on(node) zone

eval_fail instant at 0 zone * on(node) used

eval instant at 0 used unless on(node) (zone{zone="z1"})
  used{node="2",dir="a"} 90

eval instant at 0 used and ignoring(dir) (used{node="1",dir="a"})
  used{node="1",dir="a"} 60
  used{node="1",dir="b"} 10

eval instant at 0 used{dir="b"} or on(node) zone
  used{node="1",dir="b"} 10
  zone{node="2",zone="z2"} 1
)script",
                  10);
}

TEST(Promql, aggregates_group_and_choose) {
    expect_script(R"script(
load 1m
  m{a="1",b="x"} 1
  m{a="1",b="y"} 3
  m{a="2",b="x"} 5
  m{a="2",b="y"} NaN

eval instant at 0 sum by (a) (m{a="1"})
  {a="1"} 4

eval instant at 0 avg without (b) (m{a="1"})
  {a="1"} 2

eval instant at 0 count(m)
  {} 4

eval instant at 0 max by (a) (m)
  {a="1"} 3
  {a="2"} 5

eval_ordered instant at 0 topk(2, m)
  m{a="2",b="x"} 5
  m{a="1",b="y"} 3

eval instant at 0 bottomk by (a) (1, m)
  m{a="1",b="x"} 1
  m{a="2",b="x"} 5

eval instant at 0 quantile(0.5, m{a="1"})
  {} 2

eval instant at 0 stddev(m{a="1"})
  {} 1

eval instant at 0 count_values("v", m{b="x"})
  {v="1"} 1
  {v="5"} 1

eval instant at 0 group(m)
  {} 1
)script",
                  10);
}

TEST(Promql, functions_over_time_labels_and_calendar) {
    expect_script(R"script(
load 1m
  m{job="j-7"} 1 5 2 2 8
  bucket{le="1"} 1x4
  bucket{le="2"} 3x4
  bucket{le="+Inf"} 4x4

eval instant at 4m max_over_time(m[5m])
  {job="j-7"} 8

eval instant at 4m avg_over_time(m[5m])
  {job="j-7"} 3.6

eval instant at 4m changes(m[5m])
  {job="j-7"} 3

eval instant at 4m quantile_over_time(0.5, m[5m])
  {job="j-7"} 2

eval instant at 4m last_over_time(m[5m] offset 3m)
  m{job="j-7"} 5

eval instant at 4m max_over_time((m * 2)[3m:1m])
  {job="j-7"} 16

eval instant at 4m m @ 60
  m{job="j-7"} 5

eval instant at 4m histogram_quantile(0.5, bucket)
  {} 1.5

eval instant at 4m label_replace(m, "n", "$1", "job", "j-(.*)")
  m{job="j-7",n="7"} 8

eval instant at 4m label_join(m, "x", "/", "job", "job")
  m{job="j-7",x="j-7/j-7"} 8

eval instant at 4m clamp(m, 0, 3)
  {job="j-7"} 3

eval instant at 4m scalar(m) + time()
  248

eval instant at 1709208000 hour() + day_of_month() / 100
  {} 12.29

eval instant at 4m -2 ^ 2 + 10 % 4 * 2
  0
)script",
                  14);
}

// What Prometheus makes of it hangs on the order in which its series come.
TEST(Promql, a_bucket_without_a_bound_leaves_no_answer) {
    expect_script(R"script(
load 1m
  took_bucket{le="1"} 2
  took_bucket{le="NaN"} 2
  took_bucket{le="+Inf"} 2

eval instant at 0 histogram_quantile(0.5, took_bucket)
  {} NaN

eval instant at 0 histogram_fraction(0, 1, took_bucket)
  {} NaN
)script",
                  2);
}

std::string compile_error(std::string_view text) {
    Engine engine;
    const auto compiled = engine.compile(text);
    return compiled ? "" : compiled.error().message;
}

TEST(Promql, errors_say_where_and_what_was_expected) {
    EXPECT_EQ(compile_error("sum(rate(x[5m])"), "1:16: expected \",\" or \")\" after the argument, found the end");
    EXPECT_EQ(compile_error("rate(x)"),
              "1:6: expected type range vector in call to function \"rate\", got instant vector");
    EXPECT_EQ(compile_error("x and\n 1"), "1:1: set operator \"and\" not allowed in binary scalar expression");
    EXPECT_EQ(compile_error("x +\n rte(y[1m])"), "2:2: unknown function with name \"rte\"");
    EXPECT_EQ(compile_error("x{a=b}"), "1:5: expected a value in quotes, found \"b\"");
    EXPECT_NE(compile_error("x{a=~\"(\"}").find("bad regular expression"), std::string::npos);
    EXPECT_NE(compile_error("{a=~\".*\"}").find("at least one non-empty matcher"), std::string::npos);
    EXPECT_NE(compile_error("1 == 2").find("must use BOOL"), std::string::npos);
    EXPECT_NE(compile_error("x[5m] offset 1x").find("bad number or duration"), std::string::npos);
}

TEST(Promql, closed_windows_have_the_rates_of_prometheus_2) {
    SeriesStore store;
    for (int minute = 2; minute <= 4; ++minute) {
        ScrapeBatch batch;
        batch.target = "node";
        batch.at = {minute * 60'000};
        batch.samples.emplace_back(*store.intern(Labels("sent_total", {})), 10.0 * (minute - 1));
        store.append(batch);
    }
    const auto increase = [&](Windows windows) {
        Engine engine({.windows = windows});
        const auto value = engine.evaluate(*engine.compile("increase(sent_total[4m])"), store, {4 * 60'000});
        return value && value->vector.size() == 1 ? value->vector[0].value : -1;
    };
    EXPECT_DOUBLE_EQ(increase(Windows::left_open), 25);  // Half an interval before the first sample.
    EXPECT_DOUBLE_EQ(increase(Windows::closed), 30);     // To where the counter would have been zero.
}

TEST(Promql, is_bounded_in_depth_and_size) {
    EXPECT_NE(compile_error(std::string(1000, '(') + "x" + std::string(1000, ')')).find("nested deeper"),
              std::string::npos);
    std::string chain = "x";
    for (int i = 0; i < 1000; ++i) chain += "+x";
    EXPECT_NE(compile_error(chain).find("in a row"), std::string::npos);
    EXPECT_NE(compile_error(std::string(100'000, 'x')).find("at most"), std::string::npos);
    Engine engine({.steps_max = 10});
    const SeriesStore store;
    EXPECT_FALSE(engine.evaluate(*engine.compile("max_over_time(x[1h:1s])"), store, {0}));
}

TEST(Promql, selections_follow_the_store) {
    SeriesStore store;
    Engine engine;
    const auto expression = engine.compile("up").value();
    const auto put = [&](std::int64_t at_ms, const Labels& labels) {
        ScrapeBatch batch;
        batch.target = labels.to_string();
        batch.at = {at_ms};
        batch.samples.emplace_back(*store.intern(labels), 1);
        store.append(batch);
    };
    put(1000, Labels("up", {{"node", "1"}}));
    EXPECT_EQ(engine.evaluate(expression, store, {1000})->vector.size(), 1U);
    put(2000, Labels("up", {{"node", "2"}}));
    EXPECT_EQ(engine.evaluate(expression, store, {2000})->vector.size(), 2U);
    store.forget_before({1000});
    EXPECT_EQ(engine.evaluate(expression, store, {2000})->vector.size(), 1U);
}

}  // namespace
}  // namespace medic::promql
