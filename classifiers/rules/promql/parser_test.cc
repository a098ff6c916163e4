#include "classifiers/rules/promql/parser.h"

#include <gtest/gtest.h>

namespace medic::promql {
namespace {

// Each as Prometheus 3.14's parser has it, with its experimental constructs: what it prints, or that it refuses.
TEST(PromqlParser, reads_what_prometheus_reads) {
    const std::pair<const char*, const char*> read[] = {
        {"foo{NaN='bc',inf=\"x\",by=\"y\"}", R"(foo{NaN="bc",inf="x",by="y"})"},
        {R"({"bar", __name__="baz"})", R"({__name__="bar",__name__="baz"})"},
        {R"({"my.metric", "my label"!="x"})", R"({__name__="my.metric","my label"!="x"})"},
        {R"({__name__="a",__name__!="x"})", R"({__name__="a",__name__!="x"})"},
        {"sum by (a:b, \"c d\") (x)", R"(sum by ("a:b", "c d") (x))"},
        {"sum by (bool, on, atan2) (x)", "sum by (bool, on, atan2) (x)"},
        {"1 + on() x", "1 + x"},
        {"1 + on() group_left(a) x", "1 + x"},
        {"by + without", "by + without"},
        {"and and and", "and and and"},
        {"x + fill_right(0) fill_left(-Inf) y", "x + fill_left (-Inf) fill_right (0) y"},
        {"x # a remark\r+ 1", "x + 1"},
        {"\"\\u00e9\\xff\"", R"("é\xff")"},
        {"1_000.5", "1000.5"},
        {"0x_1F + 0_7 + 09", "31 + 7 + 9"},
        {"1. + .5 + 1.e3", "1 + 0.5 + 1000"},
        {"1e-400 + 2e-7", "0 + 0.0000002"},
        {"99999999999999999999", "100000000000000000000"},
        {"1e23", "100000000000000000000000"},
        {"-1180591620717411303424", "-1180591620717411300000"},
        {"9007199254740993", "9007199254740992"},
        {"-Inf", "-Inf"},
        {"x[0.0015]", "x[1ms]"},
        {"x[1h500ms] offset 292y", "x[1h500ms] offset 292y"},
    };
    for (const auto& [text, printed] : read) {
        const auto parsed = parse(text);
        ASSERT_TRUE(parsed.root) << text << ": " << parsed.error.message;
        EXPECT_EQ(to_string(*parsed.root), printed) << text;
    }
}

TEST(PromqlParser, refuses_what_prometheus_refuses) {
    for (const char* text : {"foo{__name__!=\"x\"}",
                             "foo{__name__=~\"x\"}",
                             "foo{\"bar\"}",
                             "foo{a:b=\"c\"}",
                             "sum by (nan) (x)",
                             "sum by (without) (x)",
                             "sum by (\"\") (x)",
                             "1 + on(a) x",
                             "1 + fill(0) x",
                             "x + fill(0) fill_left(1) y",
                             "x + fill_left(0) fill_left(1) y",
                             "on",
                             "bool",
                             "atan2",
                             "ignoring",
                             "group_left + 1",
                             "sum(group_right)",
                             "x + on(bool) on",
                             "1e400",
                             "-1e400",
                             "0x1p3",
                             "0x1.8",
                             "0x1e+5",
                             "0x1ee",
                             "0xffffffffffffffff",
                             "0x",
                             "(1e)",
                             "1__0",
                             "(1_)",
                             "(0._2)",
                             "0b1",
                             "1..2",
                             "\"\\uD800\"",
                             "\"\\U0000DFFF\"",
                             "\"\\U00110000\"",
                             "\"\\400\"",
                             "\"\xff\"",
                             "`\xc3`",
                             "\"a\n\"",
                             "x[1.5h]",
                             "x[1s1s]",
                             "x[1_0s]",
                             "x[293y]",
                             "293y",
                             "x[10000000000]",
                             "x offset 10000000000",
                             "x[step() / 0]"})
        EXPECT_FALSE(parse(text).root) << text;
}

TEST(PromqlParser, prints_expressions_that_parse_to_the_same) {
    for (const char* text :
         {R"(sum by (a, b) (rate(x{c="d",e=~"f|g"}[5m] offset 1m)) / 2)", "x > bool 1", "a * on (x) group_left (y) b",
          "max_over_time(rate(x[1m])[10m:30s])", "-x", "quantile(0.9, x)", "x @ 12.500", "(a or b) unless c"}) {
        const auto parsed = parse(text);
        ASSERT_TRUE(parsed.root) << text << parsed.error.message;
        EXPECT_EQ(to_string(*parsed.root), text);
    }
}

}  // namespace
}  // namespace medic::promql
