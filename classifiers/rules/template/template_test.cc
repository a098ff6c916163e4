#include "classifiers/rules/template/template.h"

#include <cmath>

#include <gtest/gtest.h>

namespace medic {
namespace {

std::string expand(std::string_view text, double value = 1) {
    const Labels labels("m", {{"job", "fleet"}, {"instance", "node1.example.org:9100"}});
    const Labels external({}, {{"region", "north"}});
    const TemplateData data{labels,
                            value,
                            external,
                            "https://prom.example.org/x",
                            {1'500},
                            [](std::string_view expression) -> Result<std::vector<TemplateSample>> {
                                if (expression == "none") return std::vector<TemplateSample>{};
                                if (expression == "bad") return fail(ErrorCode::invalid, "1:1: bad");
                                return std::vector<TemplateSample>{{Labels("up", {{"node", "b"}}), 2},
                                                                   {Labels("up", {{"node", "a"}}), 0.5}};
                            }};
    const auto parsed = Template::parse(text);
    return parsed ? parsed->expand(data) : "refused: " + parsed.error().message;
}

TEST(Template, names_labels_and_the_value) {
    EXPECT_EQ(expand("job {{ $labels.job }} at {{$value}}", 0.25), "job fleet at 0.25");
    EXPECT_EQ(expand("{{ .Labels.job }}/{{ index $labels \"job\" }}/{{ $labels.none }}/{{ .Value }}"),
              "fleet/fleet//1");
    EXPECT_EQ(expand("{{ $labels }}"), "map[__name__:m instance:node1.example.org:9100 job:fleet]");
    EXPECT_EQ(expand("{{ $externalLabels.region }} {{ $externalURL }} {{ pathPrefix }}"),
              "north https://prom.example.org/x /x");
    EXPECT_EQ(expand("no braces } } {"), "no braces } } {");
}

TEST(Template, humanizes) {
    EXPECT_EQ(expand("{{ $value | humanize }} {{ humanize1024 $value }}", 1234567), "1.235M 1.177Mi");
    EXPECT_EQ(expand("{{ humanize 0.00042 }} {{ humanize 0 }} {{ humanize \"12000\" }}"), "420u 0 12k");
    EXPECT_EQ(expand("{{ $value | humanizePercentage }}", 0.1234), "12.34%");
    EXPECT_EQ(expand("{{ $value | humanizeDuration }}", 3725), "1h 2m 5s");
    EXPECT_EQ(expand("{{ $value | humanizeDuration }}", 90'061), "1d 1h 1m 1s");
    EXPECT_EQ(expand("{{ $value | humanizeDuration }}", 0.0005), "500us");
    EXPECT_EQ(expand("{{ $value | humanizeDuration }}", -1.5), "-1.5s");
    EXPECT_EQ(expand("{{ $value | humanizeTimestamp }}", 1435065584.128), "2015-06-23 13:19:44.128 +0000 UTC");
    EXPECT_EQ(expand("{{ $value | humanize }}{{ $value | humanizeDuration }}", NAN), "NaNNaN");
    EXPECT_EQ(expand("{{ humanize \"many\" }}"),
              "<error expanding template: humanize: expected a number, found string many>");
}

TEST(Template, formats_as_go_does) {
    EXPECT_EQ(expand("{{ printf \"%.1f of %s\" $value $labels.job }}", 2.345), "2.3 of fleet");
    EXPECT_EQ(expand("{{ printf \"%5.2f|%d|%v|%q|%%\" $value 7 $value \"a\" }}", 2.5), " 2.50|7|2.5|\"a\"|%");
    EXPECT_EQ(expand("{{ printf \"%d\" $value }}"), "%!d(float64=1)");
    EXPECT_EQ(expand("{{ printf \"%s %s\" \"a\" }}"), "a %!s(MISSING)");
    EXPECT_EQ(expand("{{ printf \"a\" 1 }}"), "a%!(EXTRA int=1)");
    EXPECT_EQ(expand("{{ 1e21 }} {{ 123456789.0 }} {{ print 1 2 \"a\" 3.5 }}"), "1e+21 1.23456789e+08 1 2a3.5");
}

TEST(Template, changes_texts) {
    EXPECT_EQ(expand("{{ $labels.job | toUpper }} {{ title \"ab cd\" }} {{ toLower \"AB\" }}"), "FLEET Ab Cd ab");
    EXPECT_EQ(
        expand("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain \"10.0.0.1:1\" }}"),
        "node1.example.org node1:9100 10.0.0.1:1");
    EXPECT_EQ(expand("{{ reReplaceAll \"(.)ode([0-9])\" \"$2-${1}\" $labels.instance }}"), "1-n.example.org:9100");
    EXPECT_EQ(expand("{{ match \"^fl\" $labels.job }} {{ len $labels.job }} {{ parseDuration \"1h30m\" }}"),
              "true 5 5400");
    EXPECT_EQ(expand("{{ urlquery \"a b&c\" }} {{ html \"<a>\" }} {{ now }}"), "a+b%26c &lt;a&gt; 1.5");
}

TEST(Template, decides_and_repeats) {
    EXPECT_EQ(expand("{{ if gt $value 5.0 }}high{{ else if gt $value 0.5 }}middle{{ else }}low{{ end }}"), "middle");
    EXPECT_EQ(expand("{{ if and (eq $labels.job \"fleet\") (not $labels.none) }}yes{{ end }}"), "yes");
    EXPECT_EQ(expand("{{ with $x := $labels.none }}{{ $x }}{{ else }}none{{ end }}"), "none");
    EXPECT_EQ(expand("{{ range query \"up\" }}{{ .Labels.node }}={{ .Value }} {{ end }}"), "b=2 a=0.5 ");
    EXPECT_EQ(expand("{{ range $i, $s := query \"up\" | sortByLabel \"node\" }}{{ $i }}{{ $s.Labels.node }}{{ end }}"),
              "0a1b");
    EXPECT_EQ(expand("{{ range query \"none\" }}x{{ else }}nothing{{ end }}"), "nothing");
    EXPECT_EQ(expand("{{ with query \"up\" }}{{ . | first | value }} {{ first . | label \"node\" }}{{ end }}"), "2 b");
    EXPECT_EQ(expand("{{ $a := 1 }}{{ if true }}{{ $a = 2 }}{{ end }}{{ $a }}"), "2");
    EXPECT_EQ(expand("a {{- /* note }} */ -}} b {{- 1 -}} c"), "ab1c");
}

TEST(Template, says_what_is_wrong) {
    EXPECT_EQ(expand("{{ query \"none\" | first | value }}"),
              "<error expanding template: error calling first: first() called on vector with no elements>");
    EXPECT_EQ(expand("{{ query \"bad\" }}"), "<error expanding template: error calling query: 1:1: bad>");
    EXPECT_EQ(expand("{{ if gt $value 5 }}{{ end }}"),
              "<error expanding template: error calling gt: incompatible types for comparison>");
    EXPECT_EQ(expand("{{ .Nope }}"), "<error expanding template: can't evaluate field Nope>");
    for (const std::string_view broken :
         {"{{", "{{ if }}", "{{ if 1 }}", "{{ end }}", "{{ nope }}", "{{ $x }}", "{{ \"a }}", "{{ (1 }}",
          "{{ define \"a\" }}{{ end }}", "{{ 1 | }}", "{{ if 1 }}{{ else }}{{ else }}{{ end }}"})
        EXPECT_TRUE(expand(broken).starts_with("refused: ")) << broken << " → " << expand(broken);
}

TEST(Template, is_bounded) {
    std::string deep;
    for (int i = 0; i < 40; ++i) deep += "{{ if true }}";
    EXPECT_TRUE(expand(deep).starts_with("refused: "));
    std::string asks;
    for (int i = 0; i < 101; ++i) asks += "{{ query \"up\" | len }}";
    EXPECT_NE(expand(asks).find("more than 100 queries"), std::string::npos);
    EXPECT_NE(expand("{{ printf \"%999999999d\" 1 }}").find("too large"), std::string::npos);
}

}  // namespace
}  // namespace medic
