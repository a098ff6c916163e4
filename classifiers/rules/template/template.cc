#include "classifiers/rules/template/template.h"

#include "classifiers/rules/template/item_internal.h"
#include "classifiers/rules/template/parse_internal.h"

namespace medic {

using namespace templates;

namespace {

class Runner {
public:
    Runner(const TemplateData& data, const TemplateLimits& limits) : data_(data), limits_(limits) {
        Map root{Map::Kind::fields, {}};
        root.entries["Labels"] = texts(data.labels);
        root.entries["ExternalLabels"] = texts(data.external_labels);
        root.entries["ExternalURL"] = Item{std::string(data.external_url)};
        root.entries["Value"] = Item{data.value};
        for (const auto& [name, field] :
             {std::pair{"$labels", "Labels"}, std::pair{"$externalLabels", "ExternalLabels"},
              std::pair{"$externalURL", "ExternalURL"}, std::pair{"$value", "Value"}})
            variables_.emplace_back(name, root.entries[field]);
        dot_ = Item{std::make_shared<const Map>(std::move(root))};
        variables_.emplace_back("$", dot_);
    }

    std::string run(const std::vector<Node>& nodes) {
        list(nodes);
        return std::move(output_);
    }

private:
    void count_step() {
        if (++steps_ > limits_.steps_max) stop("more than {} steps", limits_.steps_max);
    }

    void list(const std::vector<Node>& nodes) {
        for (const auto& each : nodes) node(each);
    }

    void write(std::string_view text) {
        output_ += text;
        if (output_.size() > limits_.output_bytes_max) stop("more than {} bytes of text", limits_.output_bytes_max);
    }

    void node(const Node& node) {
        count_step();
        if (node.kind == Node::Kind::text) return write(node.text);
        if (node.kind == Node::Kind::action) {
            const Item item = pipeline(node.pipeline);
            if (node.pipeline.variables.empty()) write(print(item));
            return;
        }
        const std::size_t scope = variables_.size();
        const Item dot = dot_;
        if (node.kind == Node::Kind::range) {
            range(node);
        } else {
            const Item item = pipeline(node.pipeline);
            if (node.kind == Node::Kind::with && truth(item)) dot_ = item;
            list(truth(item) ? node.body : node.otherwise);
        }
        dot_ = dot;
        variables_.resize(scope);
    }

    void range(const Node& node) {
        Pipeline over = node.pipeline;
        over.variables.clear();
        const Item item = pipeline(over);
        if (!truth(item)) return list(node.otherwise);
        const auto turn = [&](const Item& key, const Item& value) {
            count_step();
            const std::size_t scope = variables_.size();
            const auto& names = node.pipeline.variables;
            if (names.size() == 1) variables_.emplace_back(names[0], value);
            if (names.size() > 1) {
                variables_.emplace_back(names[0], key);
                variables_.emplace_back(names[1], value);
            }
            dot_ = value;
            list(node.body);
            variables_.resize(scope);
        };
        if (const Map* map = item.map()) {
            for (const auto& [key, value] : map->entries) turn(Item{key}, value);
        } else if (const List* values = item.list()) {
            for (std::size_t i = 0; i < values->size(); ++i) turn(Item{static_cast<std::int64_t>(i)}, (*values)[i]);
        } else {
            stop("range can't iterate over {}", print(item));
        }
    }

    Item pipeline(const Pipeline& pipeline) {
        std::optional<Item> last;
        for (const auto& command : pipeline.commands) last = this->command(command, last);
        for (const auto& name : pipeline.variables) {
            if (pipeline.declares)
                variables_.emplace_back(name, *last);
            else
                variable(name) = *last;
        }
        return *last;
    }

    Item command(const Command& command, const std::optional<Item>& piped) {
        count_step();
        if (command[0].kind == Argument::Kind::function) return function(command, piped);
        if (command.size() > 1 || piped) stop("can't give arguments to what is not a function");
        return argument(command[0]);
    }

    Item function(const Command& command, const std::optional<Item>& piped) {
        const std::string& name = command[0].text;
        std::vector<Item> arguments;
        const bool is_and = name == "and", is_or = name == "or";
        for (std::size_t i = 1; i < command.size(); ++i) {
            arguments.push_back(argument(command[i]));
            // They stop at the first argument that decides.
            if ((is_and && !truth(arguments.back())) || (is_or && truth(arguments.back()))) return arguments.back();
        }
        if (piped) arguments.push_back(*piped);
        if (name == "query" && ++queries_ > limits_.queries_max) stop("more than {} queries", limits_.queries_max);
        return fields(call(name, arguments, data_), command[0].fields);
    }

    Item& variable(const std::string& name) {
        for (auto at = variables_.rbegin(); at != variables_.rend(); ++at)
            if (at->first == name) return at->second;
        stop("undefined variable \"{}\"", name);
    }

    Item argument(const Argument& argument) {
        switch (argument.kind) {
            case Argument::Kind::whole_number: return Item{argument.whole_number};
            case Argument::Kind::number: return Item{argument.number};
            case Argument::Kind::text: return Item{argument.text};
            case Argument::Kind::boolean: return Item{argument.boolean};
            case Argument::Kind::nil: return {};
            case Argument::Kind::dot: return fields(dot_, argument.fields);
            case Argument::Kind::variable: return fields(variable(argument.text), argument.fields);
            case Argument::Kind::pipeline: {
                const std::size_t scope = variables_.size();
                Item item = pipeline(*argument.pipeline);
                variables_.resize(scope);
                return fields(std::move(item), argument.fields);
            }
            case Argument::Kind::function: return fields(call(argument.text, {}, data_), argument.fields);
        }
        return {};
    }

    static Item fields(Item item, const std::vector<std::string>& names) {
        for (const auto& name : names) {
            const Map* const map = item.map();
            if (map == nullptr) stop("can't evaluate field {} in type {}", name, type_name(item));
            const auto found = map->entries.find(name);
            if (found != map->entries.end()) {
                const Item next = found->second;  // Outlives the map that holds it.
                item = next;
            } else if (map->kind == Map::Kind::fields) {
                stop("can't evaluate field {}", name);
            } else {
                item = map->kind == Map::Kind::texts ? Item{std::string()} : Item{};
            }
        }
        return item;
    }

    const TemplateData& data_;
    const TemplateLimits& limits_;
    std::vector<std::pair<std::string, Item>> variables_;
    Item dot_;
    std::string output_;
    std::size_t steps_ = 0, queries_ = 0;
};

}  // namespace

Result<Template> Template::parse(std::string_view text, const TemplateLimits& limits) {
    Template result;
    result.limits_ = limits;
    if (text.find("{{") == std::string_view::npos) {
        result.plain_ = text;
        return result;
    }
    try {
        result.root_ = std::make_shared<const Block>(Block{templates::parse(text, limits.depth_max)});
    } catch (const ParseFailure& failure) {
        return fail(ErrorCode::invalid, "{}", failure.message);
    }
    return result;
}

Result<std::string> Template::run(const TemplateData& data) const {
    if (!root_) return plain_;
    try {
        return Runner(data, limits_).run(root_->nodes);
    } catch (const RunFailure& failure) {
        return fail(ErrorCode::invalid, "{}", failure.message);
    }
}

std::string Template::expand(const TemplateData& data) const {
    auto text = run(data);
    return text ? *std::move(text) : fmt::format("<error expanding template: {}>", text.error().message);
}

}  // namespace medic
