#include <charconv>
#include <set>

#include "classifiers/rules/promql/lexer.h"
#include "classifiers/rules/template/parse_internal.h"

namespace medic::templates {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::string_view trim_left(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}
std::string_view trim_right(std::string_view text) {
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// One {{…}}: what stands between the braces.
class ActionParser {
public:
    using Names = std::set<std::string, std::less<>>;

    // `known`: the variables that are declared so far; those of this action are added.
    ActionParser(std::string_view text, std::size_t depth_max, Names& known)
        : text_(text), depth_max_(depth_max), known_(known) {}

    // "" at the end.
    std::string keyword() {
        skip();
        const std::size_t from = at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        std::string word(text_.substr(from, at_ - from));
        for (const std::string_view known :
             {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"})
            if (word == known) return word;
        at_ = from;
        return "";
    }

    Pipeline whole_pipeline() {
        Pipeline pipeline = this->pipeline();
        if (!done()) fail(fmt::format("unexpected \"{}\"", text_.substr(at_)));
        return pipeline;
    }

    bool done() {
        skip();
        return at_ >= text_.size();
    }

    [[noreturn]] void fail(std::string message) const {
        throw ParseFailure{fmt::format("in {{{{{}}}}}: {}", text_, message)};
    }

private:
    void skip() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    bool take(std::string_view symbol) {
        skip();
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }

    Pipeline pipeline() {
        if (++depth_ > depth_max_) fail("nested too deeply");
        Pipeline result;
        result.source = std::string(trim_right(trim_left(text_.substr(at_))));
        variables(result);
        do {
            Command command = this->command();
            if (command.empty()) fail("expected a value or a function");
            result.commands.push_back(std::move(command));
        } while (take("|"));
        --depth_;
        return result;
    }

    // $x := …, $i, $x := …, $x = …
    void variables(Pipeline& pipeline) {
        const std::size_t from = at_;
        std::vector<std::string> names;
        do {
            skip();
            if (at_ >= text_.size() || text_[at_] != '$') break;
            names.push_back(variable());
        } while (take(","));
        const bool declares = !names.empty() && take(":=");
        const bool assigns = !names.empty() && !declares && !text_.substr(at_).starts_with("==") && take("=");
        if (!declares && !assigns) {
            at_ = from;
            return;
        }
        if (declares) known_.insert(names.begin(), names.end());
        pipeline.variables = std::move(names);
        pipeline.declares = declares;
    }

    std::string variable() {
        const std::size_t from = at_++;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        return std::string(text_.substr(from, at_ - from));
    }

    Command command() {
        Command result;
        for (;;) {
            skip();
            if (at_ >= text_.size() || text_[at_] == '|' || text_[at_] == ')') return result;
            Argument argument = this->argument();
            while (at_ < text_.size() && text_[at_] == '.') argument.fields.push_back(field());
            result.push_back(std::move(argument));
        }
    }

    std::string field() {
        const std::size_t from = ++at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        if (at_ == from) fail("expected a field's name behind \".\"");
        return std::string(text_.substr(from, at_ - from));
    }

    Argument argument() {
        const char c = text_[at_];
        Argument result;
        if (c == '(') {
            ++at_;
            result.kind = Argument::Kind::pipeline;
            result.pipeline = std::make_shared<Pipeline>(pipeline());
            if (!take(")")) fail("expected \")\"");
        } else if (c == '.' && at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9') {
            number(result);
        } else if (c == '.') {
            result.kind = Argument::Kind::dot;
            if (at_ + 1 >= text_.size() || !is_word(text_[at_ + 1])) ++at_;
        } else if (c == '$') {
            result.kind = Argument::Kind::variable;
            result.text = variable();
            if (!known_.contains(result.text)) fail(fmt::format("undefined variable \"{}\"", result.text));
        } else if (c == '"' || c == '`') {
            result.kind = Argument::Kind::text;
            result.text = quoted();
        } else if ((c >= '0' && c <= '9') || c == '-' || c == '+') {
            number(result);
        } else {
            word(result);
        }
        return result;
    }

    std::string quoted() {
        promql::Lexer lexer(text_.substr(at_));
        const promql::Token token = lexer.next();
        if (token.kind != promql::Token::Kind::string) fail(token.text);
        at_ += token.end;
        return token.text;
    }

    void number(Argument& into) {
        const std::size_t from = at_++;
        while (at_ < text_.size() &&
               (is_word(text_[at_]) || text_[at_] == '.' ||
                ((text_[at_] == '+' || text_[at_] == '-') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E'))))
            ++at_;
        std::string_view text = text_.substr(from, at_ - from);
        if (text.starts_with('+')) text.remove_prefix(1);
        const char* const end = text.data() + text.size();
        if (const auto whole = std::from_chars(text.data(), end, into.whole_number);
            whole.ec == std::errc{} && whole.ptr == end) {
            into.kind = Argument::Kind::whole_number;
            return;
        }
        const auto found = std::from_chars(text.data(), end, into.number);
        if (found.ec != std::errc{} || found.ptr != end) fail(fmt::format("bad number \"{}\"", text));
        into.kind = Argument::Kind::number;
    }

    void word(Argument& into) {
        const std::size_t from = at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        into.text = std::string(text_.substr(from, at_ - from));
        if (into.text.empty()) fail(fmt::format("unexpected \"{}\"", text_.substr(at_, 1)));
        if (into.text == "true" || into.text == "false") {
            into.kind = Argument::Kind::boolean;
            into.boolean = into.text == "true";
        } else if (into.text != "nil") {
            into.kind = Argument::Kind::function;
            if (!is_function(into.text)) fail(fmt::format("function \"{}\" not defined", into.text));
        }
    }

    std::string_view text_;
    std::size_t depth_max_, at_ = 0, depth_ = 0;
    Names& known_;
};

// The whole text: literals and actions in turn.
class TextParser {
public:
    TextParser(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {}

    std::vector<Node> whole() {
        std::vector<Node> nodes;
        const std::string end = list(nodes, 0);
        if (!end.empty()) throw ParseFailure{fmt::format("unexpected {{{{{}}}}}", end)};
        return nodes;
    }

private:
    // Reads up to an {{end}} or {{else…}}, whose inside it returns; "" at the end of the text.
    std::string list(std::vector<Node>& nodes, std::size_t depth) {
        if (depth > depth_max_) throw ParseFailure{"nested too deeply"};
        while (!text_.empty()) {
            const auto open = text_.find("{{");
            std::string_view literal = text_.substr(0, open);
            if (trim_next_) literal = trim_left(literal);
            trim_next_ = false;
            if (open == std::string_view::npos) {
                text_ = {};
                add_text(nodes, literal);
                return "";
            }
            text_.remove_prefix(open + 2);
            if (text_.size() > 1 && text_[0] == '-' && is_blank(text_[1])) {
                literal = trim_right(literal);
                text_.remove_prefix(1);
            }
            add_text(nodes, literal);
            const std::string_view inside = take_inside();
            if (trim_left(inside).starts_with("/*")) continue;
            ActionParser action(inside, depth_max_, known_);
            const std::string keyword = action.keyword();
            if (keyword == "end" || keyword == "else") return std::string(trim_right(trim_left(inside)));
            add_action(nodes, action, keyword, depth);
        }
        return "";
    }

    void add_action(std::vector<Node>& nodes, ActionParser& action, const std::string& keyword, std::size_t depth) {
        Node node;
        node.kind = keyword == "if"      ? Node::Kind::if_else
                    : keyword == "range" ? Node::Kind::range
                    : keyword == "with"  ? Node::Kind::with
                                         : Node::Kind::action;
        if (!keyword.empty() && node.kind == Node::Kind::action) action.fail(keyword + " is not supported");
        node.pipeline = action.whole_pipeline();
        if (node.kind != Node::Kind::action) bodies(node, depth + 1);
        nodes.push_back(std::move(node));
    }

    void bodies(Node& node, std::size_t depth) {
        std::string end = list(node.body, depth);
        if (end.starts_with("else")) {
            const std::string_view rest = trim_left(std::string_view(end).substr(4));
            if (rest.empty()) {
                end = list(node.otherwise, depth);
            } else {
                // {{else if x}} is an if inside the else that shares its end.
                ActionParser action(rest, depth_max_, known_);
                const std::string keyword = action.keyword();
                Node inner;
                inner.kind = keyword == "with" ? Node::Kind::with : Node::Kind::if_else;
                if (keyword != "if" && keyword != "with") action.fail("expected if behind else");
                inner.pipeline = action.whole_pipeline();
                bodies(inner, depth + 1);
                node.otherwise.push_back(std::move(inner));
                return;
            }
        }
        if (end != "end")
            throw ParseFailure{end.empty() ? "expected {{end}}" : fmt::format("unexpected {{{{{}}}}}", end)};
    }

    static void add_text(std::vector<Node>& nodes, std::string_view literal) {
        if (literal.empty()) return;
        Node node;
        node.text = std::string(literal);
        nodes.push_back(std::move(node));
    }

    // What stands before the closing braces, which quotes and comments may hold too.
    std::string_view take_inside() {
        std::size_t at = 0;
        char quote = 0;
        const bool comment = trim_left(text_).starts_with("/*");
        if (comment) at = std::min(text_.find("*/"), text_.size());
        for (; at < text_.size(); ++at) {
            const char c = text_[at];
            if (quote != 0) {
                if (c == '\\' && quote == '"')
                    ++at;
                else if (c == quote)
                    quote = 0;
            } else if (c == '"' || c == '`') {
                quote = c;
            } else if (text_.substr(at).starts_with("}}")) {
                std::string_view inside = text_.substr(0, at);
                text_.remove_prefix(at + 2);
                if (inside.size() > 1 && inside.back() == '-' && is_blank(inside[inside.size() - 2])) {
                    inside.remove_suffix(1);
                    trim_next_ = true;
                }
                return inside;
            }
        }
        throw ParseFailure{"expected \"}}\""};
    }

    std::string_view text_;
    std::size_t depth_max_;
    bool trim_next_ = false;
    ActionParser::Names known_{"$", "$labels", "$value", "$externalLabels", "$externalURL"};
};

}  // namespace

std::vector<Node> parse(std::string_view text, std::size_t depth_max) { return TextParser(text, depth_max).whole(); }

}  // namespace medic::templates
