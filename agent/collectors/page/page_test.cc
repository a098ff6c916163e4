#include "agent/collectors/page/page.h"

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <libdeflate.h>

#include "agent/base/labels.h"
#include "agent/collectors/page/page_cache.h"

namespace medic {
namespace {

std::string file(const std::string& path) {
    std::ifstream in("agent/collectors/" + path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    std::string bytes = text.str();
    if (!path.ends_with(".gz")) return bytes;
    std::string page(8 * 1024 * 1024, '\0');
    std::size_t size = 0;
    auto* const inflate = libdeflate_alloc_decompressor();
    const auto result =
        libdeflate_gzip_decompress(inflate, bytes.data(), bytes.size(), page.data(), page.size(), &size);
    libdeflate_free_decompressor(inflate);
    EXPECT_EQ(result, LIBDEFLATE_SUCCESS) << path;
    page.resize(size);
    return page;
}

const std::vector<std::string> recorded_pages{"testdata/kafka-3.9.1-flink-1.20.1/connect-worker.prom",
                                              "testdata/kafka-3.9.1-flink-1.20.1/flink-jobmanager.prom",
                                              "testdata/kafka-3.9.1-flink-1.20.1/kafka-broker1.prom.gz",
                                              "testdata/kafka-3.9.1-flink-1.20.1/flink-taskmanager1.prom.gz",
                                              "testdata/kafka-4.1.0-flink-2.0.0/connect-worker.prom",
                                              "testdata/kafka-4.1.0-flink-2.0.0/flink-taskmanager1.prom.gz",
                                              "page/testdata/kafka-3.9.1-broker.prom.gz"};

struct Read {
    std::string series;  // Labels::to_string()
    double value;
    std::optional<double> timestamp_s;
    std::string exemplar;
    MetricType type;
};

struct Recorder final : PageSink {
    std::vector<Read> samples;
    std::map<std::string, std::string> help, units;
    std::map<std::string, MetricType> types;

    void on_sample(const PageSample& sample) override {
        std::vector<LabelPair> labels;
        for (const auto& [name, value] : sample.labels) labels.emplace_back(name, value);
        samples.push_back({Labels(sample.name, labels).to_string(), sample.value, sample.timestamp_s,
                           std::string(sample.exemplar), sample.type});
    }
    void on_help(std::string_view family, std::string_view text) override { help.emplace(family, text); }
    void on_unit(std::string_view family, std::string_view unit) override { units.emplace(family, unit); }
    void on_type(std::string_view family, MetricType type) override { types.emplace(family, type); }
};

PageSummary parse(std::string_view page, Recorder& into, PageFormat format = PageFormat::prometheus_text,
                  PageLimits limits = {}) {
    return PageParser({.format = format, .limits = limits}).parse(page, into);
}

std::string problem(std::string_view page, PageFormat format = PageFormat::prometheus_text, PageLimits limits = {}) {
    Recorder recorder;
    const auto summary = parse(page, recorder, format, limits);
    return summary.first_problem ? summary.first_problem->text() : "";
}

TEST(Page, reads_what_real_products_write) {
    Recorder r;
    const auto summary = parse(
        "# HELP a_total with \\n escape\n"
        "# TYPE a_total counter\n"
        "a_total{x=\"1\",y=\"q\\\"\\\\\\n\",} 3.77487288E8\n"
        "a_total 1\r\n"
        "  b { z = \"\" , } \t -2.5e-3   1700000000123\n"
        "\n"
        "# just a remark\n"
        "#not even that\n"
        "c NaN\nd +Inf\ne -Inf\nf Nan\ng 0\nh -0.0\nk 1e400\nl .5\nm 12345678901234567890\nn 1.0\n",
        r);
    EXPECT_EQ(summary.first_problem ? summary.first_problem->text() : "", "");
    ASSERT_EQ(r.samples.size(), 13U);
    EXPECT_EQ(r.samples[0].series, "a_total{x=\"1\",y=\"q\\\"\\\\\\n\"}");
    EXPECT_EQ(r.samples[0].value, 377487288);
    EXPECT_EQ(r.samples[0].type, MetricType::counter);
    EXPECT_EQ(r.samples[2].series, "b{}");
    EXPECT_EQ(r.samples[2].value, -0.0025);
    EXPECT_EQ(r.samples[2].timestamp_s, 1700000000.123);
    EXPECT_TRUE(std::isnan(r.samples[3].value));
    EXPECT_EQ(r.samples[4].value, INFINITY);
    EXPECT_EQ(r.samples[5].value, -INFINITY);
    EXPECT_TRUE(std::signbit(r.samples[8].value));
    EXPECT_EQ(r.samples[9].value, INFINITY);
    EXPECT_EQ(r.samples[10].value, 0.5);
    EXPECT_EQ(r.samples[11].value, 12345678901234567890.0);
    EXPECT_EQ(r.help["a_total"], "with \\n escape");
}

TEST(Page, takes_names_in_quotes) {
    for (const auto format : {PageFormat::prometheus_text, PageFormat::open_metrics}) {
        Recorder r;
        std::string page =
            "# TYPE \"my.sent\" counter\n"
            "# HELP \"my.sent\" how much\n"
            "{\"my.sent_total\",\"a label\"=\"v\",b=\"w\"} 1\n"
            "{b=\"w\",\"my.sent_total\"} 2\n"
            "{\"gr\xc3\xb6\xc3\x9f\x65 \\\"x\\\\\"} 3\n"
            "plain{\"a.b\"=\"c\"} 4\n";
        if (format == PageFormat::open_metrics) page += "plain_total 1 # {\"trace.id\"=\"7\"} 1\n# EOF\n";
        const auto summary = parse(page, r, format);
        EXPECT_EQ(summary.first_problem ? summary.first_problem->text() : "", "");
        ASSERT_GE(r.samples.size(), 4U);
        EXPECT_EQ(r.samples[0].series, "my.sent_total{a label=\"v\",b=\"w\"}");
        EXPECT_EQ(r.samples[0].type, MetricType::counter);
        EXPECT_EQ(r.samples[1].series, "my.sent_total{b=\"w\"}");
        EXPECT_EQ(r.samples[1].value, 2);
        EXPECT_EQ(r.samples[2].series, "gr\xc3\xb6\xc3\x9f\x65 \"x\\{}");
        EXPECT_EQ(r.samples[3].series, "plain{a.b=\"c\"}");
        EXPECT_EQ(r.help["my.sent"], "how much");
    }
    EXPECT_EQ(problem("{a=\"b\"} 1\n"),
              "line 1, column 8: expected a metric's name before or in the braces before this, found \" 1\"");
    EXPECT_NE(problem("x{\"y\"} 1\n").find("name only once"), std::string::npos);
    EXPECT_NE(problem("{\"x\",\"y\"} 1\n").find("name only once"), std::string::npos);
    EXPECT_NE(problem("{\"\"} 1\n").find("a label's name"), std::string::npos);
    EXPECT_NE(problem("{\"\xff\"} 1\n").find("valid UTF-8"), std::string::npos);
    EXPECT_NE(problem("{\"x} 1\n").find("'\"' that ends"), std::string::npos);
    EXPECT_NE(problem("x 1 # {\"y\"} 1\n# EOF\n", PageFormat::open_metrics).find("'=' after"), std::string::npos);
}

// Prometheus reads {"x",} and {} there, OpenMetrics's grammar has no comma before the end.
TEST(Page, a_name_in_quotes_may_end_with_a_comma_in_prometheus_text_only) {
    EXPECT_EQ(problem("{ \"x\" , } 1\n"), "");
    EXPECT_NE(problem("{\"x\",} 1\n# EOF\n", PageFormat::open_metrics), "");
}

TEST(Page, knows_the_media_type_in_any_case) {
    for (const char* type : {"application/openmetrics-text", "Application/OpenMetrics-Text; version=1.0.0",
                             "APPLICATION/OPENMETRICS-TEXT ;charset=utf-8"})
        EXPECT_EQ(page_format(type), PageFormat::open_metrics) << type;
    for (const char* type : {"", "text/plain; version=0.0.4", "application/openmetrics-text-like"})
        EXPECT_EQ(page_format(type), PageFormat::prometheus_text) << type;
}

TEST(Page, reads_open_metrics_with_units_seconds_and_exemplars) {
    Recorder r;
    const auto summary = parse(
        "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n# HELP a_seconds help\n"
        "a_seconds_bucket{le=\"1.0\"} 4 12.5 # {trace_id=\"x # y\"} 0.5 12.25\n"
        "a_seconds_bucket{le=\"+Inf\"} 5\n# EOF\n",
        r, PageFormat::open_metrics);
    EXPECT_TRUE(summary.complete());
    ASSERT_EQ(r.samples.size(), 2U);
    EXPECT_EQ(r.samples[0].timestamp_s, 12.5);
    EXPECT_EQ(r.samples[0].exemplar, "{trace_id=\"x # y\"} 0.5 12.25");
    EXPECT_EQ(r.samples[0].type, MetricType::histogram);
    EXPECT_EQ(r.units["a_seconds"], "seconds");
}

TEST(Page, says_where_and_what_was_expected) {
    EXPECT_EQ(problem("a 1\nb{x=1} 2\n"),
              "line 2, column 5: expected a label's value in double quotes, found \"1} 2\"");
    EXPECT_EQ(problem("a\n"),
              "line 1, column 2: expected a value such as 1, -2.5e3, NaN or +Inf, found the end of the line");
    EXPECT_EQ(problem("a 1 2 3\n"), "line 1, column 7: expected the end of the line, found \"3\"");
    EXPECT_EQ(problem("a{x=\"1\n"),
              "line 1, column 7: expected '\"' that ends a label's value, found the end of the line");
    EXPECT_EQ(problem("# TYPE a metre\n"),
              "line 1, column 10: expected a metric's type (counter, gauge, histogram, summary, …), found \"metre\"");
    EXPECT_EQ(problem("a 1\n", PageFormat::open_metrics), "expected \"# EOF\" as the last line: the page is cut off");
}

TEST(Page, refuses_wrong_lines_one_by_one) {
    for (const char* line : {"1a 1", "a{1x=\"1\"} 1", "a{x} 1", "a{x=} 1", "a{x=\"1\" y=\"2\"} 1", "a{,} 1",
                             "a{x=\"1\",,} 1", "a 0x1", "a 1_0", "a 1 x", "a one", "a{x=\"1\",x=\"2\"} 1",
                             "a{x=\"\xff\"} 1", "a - 1", "a 1 1.5", "a{} ", "{} 1", "a 1 # {} 1"})
        EXPECT_NE(problem(std::string(line) + "\n"), "") << line;
}

TEST(Page, keeps_the_good_lines_of_a_partly_bad_page) {
    Recorder r;
    const auto summary = parse("a 1\nbad line here {\nb 2\n<html>\nc 3\n", r);
    EXPECT_EQ(summary.problems, 2U);
    EXPECT_EQ(summary.first_problem->line, 2U);
    EXPECT_EQ(r.samples.size(), 3U);
    Recorder stopped;
    EXPECT_FALSE(PageParser({.on_problem = PageParser::OnProblem::stop}).parse("a 1\nbad\nb 2\n", stopped).complete());
    EXPECT_EQ(stopped.samples.size(), 1U);
}

TEST(Page, never_takes_a_cut_off_value_for_a_whole_one) {
    Recorder r;
    const auto summary = parse("a 1\nb 12", r);  // b may have been 1234.
    EXPECT_EQ(r.samples.size(), 1U);
    EXPECT_EQ(summary.first_problem->line, 2U);
}

TEST(Page, is_bounded_in_every_direction) {
    EXPECT_NE(problem("a 1\nb 1\n", {}, {.samples_max = 1}), "");
    EXPECT_NE(problem("a{x=\"1\",y=\"2\"} 1\n", {}, {.labels_max = 1}), "");
    EXPECT_NE(problem("a 1                     \n", {}, {.line_bytes_max = 10}), "");
    EXPECT_NE(problem("a 1\nb 1\n", {}, {.bytes_max = 5}), "");
}

// An independent, slow reading: split at the last blank, labels by hand.
std::map<std::string, double> slowly(const std::string& page) {
    std::map<std::string, double> result;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        const auto blank = line.rfind(' ');
        std::string series = line.substr(0, blank);
        std::vector<LabelPair> labels;
        const auto brace = series.find('{');
        std::string name = series.substr(0, brace);
        while (name.ends_with(' ')) name.pop_back();
        std::size_t at = brace == std::string::npos ? series.size() : brace + 1;
        while (at < series.size() && series[at] != '}') {
            const auto equals = series.find('=', at);
            std::string value;
            std::size_t i = equals + 2;
            for (; series[i] != '"'; ++i) {
                if (series[i] == '\\')
                    value += series[++i] == 'n' ? '\n' : series[i];
                else
                    value += series[i];
            }
            labels.emplace_back(series.substr(at, equals - at), value);
            at = i + 1;
            if (series[at] == ',') ++at;
        }
        result[Labels(name, labels).to_string()] = std::strtod(line.c_str() + blank + 1, nullptr);
    }
    return result;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST(Page, agrees_with_an_independent_reading_of_recorded_pages) {
    for (const auto& path : recorded_pages) {
        const std::string page = file(path);
        const auto expected = slowly(page);
        Recorder r;
        const auto summary = parse(page, r);
        EXPECT_EQ(summary.first_problem ? summary.first_problem->text() : "", "") << path;
        EXPECT_GT(expected.size(), 20U) << path;
        std::map<std::string, double> found;
        for (const auto& sample : r.samples) found[sample.series] = sample.value;
        ASSERT_EQ(found.size(), expected.size()) << path;
        for (const auto& [series, value] : expected) {
            ASSERT_TRUE(found.contains(series)) << series;
            EXPECT_TRUE(same(found[series], value)) << series;
        }
    }
}

struct Cached {
    SeriesStore store;
    PageCache cache{PageFormat::prometheus_text};
    std::size_t asked = 0;

    ScrapeBatch read(std::string_view page) {
        ScrapeBatch batch;
        batch.target = "t";
        cache.read(
            page, store,
            [this](const PageSample& sample, std::vector<PageCache::Destination>& destinations) {
                ++asked;
                if (sample.name == "ignored") return;
                std::vector<LabelPair> labels;
                for (const auto& [name, value] : sample.labels) labels.emplace_back(name, value);
                destinations.push_back(
                    {*store.intern(Labels(sample.name, labels)), sample.name == "scaled" ? 0.001 : 1});
            },
            batch);
        return batch;
    }
};

TEST(PageCache, reads_recorded_pages_as_the_parser_does_and_asks_once) {
    for (const auto& path : recorded_pages) {
        const std::string page = file(path);
        Cached c;
        c.read(page);
        const std::size_t asked = c.asked;
        const auto batch = c.read(page);
        EXPECT_EQ(c.asked, asked);
        EXPECT_EQ(c.cache.hits(), batch.samples.size());
        Recorder r;
        parse(page, r);
        ASSERT_EQ(batch.samples.size(), r.samples.size());
        for (std::size_t i = 0; i < r.samples.size(); ++i) {
            EXPECT_EQ(c.store.labels(batch.samples[i].first).to_string(), r.samples[i].series);
            EXPECT_TRUE(same(batch.samples[i].second, r.samples[i].value));
        }
    }
}

TEST(PageCache, follows_series_that_come_go_and_move) {
    Cached c;
    c.read("a 1\nb{x=\"1\"} 2\nignored 5\nscaled 3000\n");
    EXPECT_EQ(c.asked, 4U);
    auto batch = c.read("# TYPE b gauge\nnew 7\nb{x=\"1\"} 20\na 10\nb{x=\"2\"} 8\nignored 6\n");
    EXPECT_EQ(c.asked, 6U);
    ASSERT_EQ(batch.samples.size(), 4U);
    EXPECT_EQ(batch.samples[1].second, 20);
    EXPECT_EQ(batch.samples[2].second, 10);
    batch = c.read("scaled 5000\n");
    EXPECT_EQ(batch.samples[0].second, 5);
    EXPECT_EQ(c.asked, 6U);
    EXPECT_EQ(batch.outcome, ScrapeOutcome::complete);
}

TEST(PageCache, a_longer_name_or_value_is_not_taken_for_a_known_series) {
    Cached c;
    c.read("abc 1\n");
    const auto batch = c.read("abcd 2\nabc{x=\"1\"} 3\nabc 12\n");
    EXPECT_EQ(c.asked, 3U);
    EXPECT_EQ(batch.samples[2].second, 12);
}

TEST(PageCache, asks_again_when_the_store_forgot_the_series) {
    Cached c;
    c.store.append(c.read("a 1\n"));
    c.store.forget_before({1'000});
    c.store.forget_before({1'000});
    const auto batch = c.read("a 2\n");
    EXPECT_EQ(c.asked, 2U);
    EXPECT_TRUE(c.store.contains(batch.samples[0].first));
}

TEST(PageCache, a_bad_page_is_partial_or_failed_with_the_reason) {
    Cached c;
    c.read("a 1\nb 1\n");
    auto batch = c.read("a x\nb 2\n<p>\n");
    EXPECT_EQ(batch.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(batch.error,
              "line 1, column 3: expected a value such as 1, -2.5e3, NaN or +Inf, found \"x\" (2 such lines)");
    EXPECT_EQ(batch.samples.size(), 1U);
    EXPECT_EQ(c.read("<html>no</html>\n").outcome, ScrapeOutcome::failed);
}

TEST(PageCache, knows_series_whose_names_are_in_quotes) {
    Cached c;
    c.read("# TYPE \"my.\\\"sent\" counter\n{\"my.\\\"sent_total\",\"a b\"=\"1\"} 1\n");
    const auto batch = c.read("# TYPE \"my.\\\"sent\" counter\n{\"my.\\\"sent_total\",\"a b\"=\"1\"} 2\n");
    EXPECT_EQ(c.asked, 1U);
    ASSERT_EQ(batch.samples.size(), 1U);
    EXPECT_EQ(c.store.labels(batch.samples[0].first), Labels("my.\"sent_total", {{"a b", "1"}}));
}

TEST(PageCache, forgets_what_pages_no_longer_carry) {
    Cached c;
    for (int i = 0; i < 2000; ++i) c.read("a 1\nb{i=\"" + std::to_string(i) + "\"} 1\n");
    EXPECT_LT(c.cache.known(), 200U);
}

// What OpenMetrics 1.0 asks of families; a collector without `strict` reads the same pages.
std::string strict_problem(std::string_view page) {
    struct Nothing : PageSink {
        void on_sample(const PageSample&) override {}
    } sink;
    const std::string whole = std::string(page) + "# EOF\n";
    EXPECT_TRUE(PageParser({.format = PageFormat::open_metrics}).parse(whole, sink).complete()) << page;
    const auto summary = PageParser({.format = PageFormat::open_metrics, .strict = true}).parse(whole, sink);
    return summary.first_problem ? summary.first_problem->text() : "";
}

TEST(StrictPage, takes_what_the_standard_allows) {
    for (const std::string_view page : {
             "# TYPE lag_seconds gauge\n# UNIT lag_seconds seconds\n# HELP lag_seconds behind\nlag_seconds -1\n",
             "# TYPE sent counter\nsent_total{t=\"a\"} 1 5 # {id=\"x\"} 1\nsent_created{t=\"a\"} "
             "0 5\nsent_total{t=\"b\"} 2\n",
             "# TYPE took histogram\ntook_bucket{le=\"1\"} 1 5\ntook_bucket{le=\"+Inf\"} 2 5\n"
             "took_bucket{le=\"1\"} 1 6\ntook_bucket{le=\"+Inf\"} 3 6\n",
             "# TYPE build info\nbuild_info{v=\"1\"} 1 6\nbuild_info{v=\"1\"} 1 5\n",
             "# TYPE \"my.took\" counter\n{\"my.took_total\",\"my.label\"=\"x\"} 1\n",
             "# TYPE took histogram\ntook_bucket{le=\"0.1\"} 1\ntook_bucket{le=\"+Inf\"} 3\ntook_count 3\ntook_sum 2\n",
             "# TYPE size gaugehistogram\nsize_bucket{le=\"-1\"} 1\nsize_bucket{le=\"+Inf\"} 2\nsize_gcount "
             "2\nsize_gsum -3\n",
             "# TYPE wait summary\nwait{quantile=\"0.5\"} 1\nwait{quantile=\"1\"} 2\nwait_count 3\nwait_sum 4\n",
             "# TYPE build info\nbuild_info{v=\"1\"} 1\n# TYPE state stateset\nstate{state=\"a\"} "
             "1\nstate{state=\"b\"} 0\n",
             "x 1 1\nx 2 2\ny NaN\n",
         })
        EXPECT_EQ(strict_problem(page), "") << page;
}

TEST(StrictPage, refuses_with_line_and_reason) {
    const std::pair<std::string_view, std::string_view> pages[] = {
        {"# TYPE sent counter\nsent_total -1\n",
         "line 2, column 1: expected a value of 0 or more for sent_total, found -1"},
        {"# TYPE sent counter\nsent 1\n",
         "line 2, column 1: expected _total or _created behind the name of the counter sent"},
        {"# TYPE took histogram\ntook_bucket{le=\"1\"} 1\n", "le=\"+Inf\""},
        {"# TYPE took histogram\ntook_bucket{le=\"2\"} 1\ntook_bucket{le=\"1\"} 1\n",
         "line 3, column 1: expected buckets by rising le"},
        {"# TYPE took histogram\ntook_bucket{le=\"1\"} 2\ntook_bucket{le=\"+Inf\"} 1\n", "counts at least as much"},
        {"# TYPE took histogram\ntook_bucket{le=\"+Inf\"} 2\ntook_count 3\ntook_sum 1\n",
         "to be that of its bucket +Inf"},
        {"# TYPE took histogram\ntook_bucket{le=\"+Inf\"} 2\ntook_count 2\n", "count and sum"},
        {"# TYPE wait summary\nwait{quantile=\"2\"} 1\n", "quantile from 0 to 1"},
        {"# TYPE build info\nbuild_info 2\n", "the value 1 for an info"},
        {"# TYPE state stateset\nstate{x=\"a\"} 1\n", "expected a label state"},
        {"a 1\nb 1\na 2\n", "line 3, column 1: the name a is taken by an earlier family"},
        {"x{a=\"1\"} 1\nx{a=\"2\"} 1\nx{a=\"1\"} 1\n", "with the same labels together"},
        {"x 1 2\nx 1 1\n", "that rise"},
        {"x 1\nx 1\n", "expected time stamps on both"},
        {"# TYPE wait summary\nwait{quantile=\"0.5\"} 1 5\nwait_count 3\n",
         "line 3, column 1: expected time stamps on all samples of wait with the same labels, or on none"},
        {"# TYPE took histogram\ntook_bucket{le=\"1\"} 1 5\ntook_bucket{le=\"+Inf\"} 1 4\n", "that rise"},
        {"# TYPE took histogram\ntook_bucket{le=\"1\"} 1 5\ntook_bucket{le=\"1\"} 1 6\n",
         "line 3, column 1: expected a bucket with le=\"+Inf\""},
        {"# TYPE x gauge\nx 1 # {a=\"b\"} 1\n", "no exemplar here"},
        {"# HELP x a\n# HELP x b\n", "only once"},
        {"# TYPE x gauge\nx 1\n# HELP x b\n", "before its samples"},
        {"# TYPE x_total gauge\n# TYPE x counter\n", "the name x_total is taken"},
        {"# UNIT x seconds\n", "to end with its unit, _seconds"},
    };
    for (const auto& [page, reason] : pages)
        EXPECT_NE(strict_problem(page).find(reason), std::string::npos) << page << " → " << strict_problem(page);
}

}  // namespace
}  // namespace medic
