#include "config/table_reader.hpp"

#include "config/nearest.hpp"
#include "config/quoted.hpp"
#include "config/units.hpp"

#include <algorithm>

namespace tidemark::config
{
namespace
{
std::string_view type_text(const toml::node& node)
{
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "a list";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "an integer";
    case toml::node_type::floating_point:
        return "a fraction";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or time";
    }
}

// What an integer or a string of the file says as a quantity, and how it was written.
struct Written {
    std::string text;
    std::optional<std::int64_t> integer; // nothing: `text` has a unit
};

std::optional<Written> written(const toml::node& node)
{
    if (const auto* integer = node.as_integer())
        return Written{std::to_string(integer->get()), integer->get()};
    if (const auto* text = node.as_string()) return Written{text->get(), std::nullopt};
    return std::nullopt;
}

// A negative number is out of every range of ours: 0 stands in for it only to be refused with its
// own text.
bool negative(const Written& w)
{
    return w.integer.value_or(0) < 0;
}
} // namespace

// The grammar of TOML knows no way to go on after a mistake: this one error stands alone.
Result<toml::table, ConfigErrors> parse_toml(std::string_view text, std::string_view file)
{
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        const auto& begin = error.source().begin;
        return fail(ConfigErrors{
            {std::string{file}, begin.line, begin.column, printable(error.description()), {}, {}}});
    }
}

TableReader::TableReader(const toml::table& table, std::string name, std::string_view file,
                         ErrorList& errors)
    : table_(table), name_(std::move(name)), file_(file), errors_(errors)
{
}

std::string TableReader::name_of(std::string_view key) const
{
    return name_.empty() ? std::string{key} : name_ + "." + std::string{key};
}

Place TableReader::place_at(const toml::node& node) const
{
    return Place{std::string{file_}, node.source().begin.line, node.source().begin.column};
}

Place TableReader::place_of(std::string_view key) const
{
    const toml::node* node = table_.get(key);
    return place_at(node == nullptr ? table_ : *node);
}

bool TableReader::says_something(std::string_view key) const
{
    const toml::node* node = table_.get(key);
    return node != nullptr && !(node->is_array() && node->as_array()->empty());
}

const toml::node* TableReader::take(std::string_view key)
{
    known_.push_back(key);
    return table_.get(key);
}

void TableReader::refuse_type(const toml::node& node, std::string_view key,
                              std::string_view expected)
{
    errors_.add(place_at(node), name_of(key) + " is " + std::string{type_text(node)},
                std::string{expected});
}

std::optional<std::string_view> TableReader::text_at(const toml::node& node, std::string_view key,
                                                     std::string_view expected)
{
    if (const auto* text = node.as_string()) return std::string_view{text->get()};
    refuse_type(node, key, expected);
    return std::nullopt;
}

const toml::array* TableReader::array_at(std::string_view key, std::string_view expected)
{
    const toml::node* node = take(key);
    if (node == nullptr || node->is_array()) return node == nullptr ? nullptr : node->as_array();
    refuse_type(*node, key, "a list of " + std::string{expected});
    return nullptr;
}

void TableReader::number(std::string_view key, NumberRange range, std::uint32_t& into)
{
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto* integer = node->as_integer();
    if (integer == nullptr) return refuse_type(*node, key, expected_text(range));
    const std::string text = std::to_string(integer->get());
    if (integer->get() < 0)
        return errors_.add(place_at(*node), name_of(key) + " is " + text, expected_text(range));
    reader_at(*node, key).number(static_cast<std::uint64_t>(integer->get()), text, range, into);
}

void TableReader::size(std::string_view key, SizeRange range, std::uint64_t& into)
{
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto w = written(*node);
    if (!w) return refuse_type(*node, key, expected_text(range));
    if (negative(*w))
        return errors_.add(place_at(*node), name_of(key) + " is " + w->text, expected_text(range));
    reader_at(*node, key).size(parse_size(w->text), w->text, range, into);
}

void TableReader::duration(std::string_view key, DurationRange range, Millis& into)
{
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto w = written(*node);
    if (!w) return refuse_type(*node, key, expected_text(range));
    if (negative(*w))
        return errors_.add(place_at(*node), name_of(key) + " is " + w->text, expected_text(range));
    reader_at(*node, key).duration(parse_duration(w->text), w->text, range, into);
}

void TableReader::duration(std::string_view key, DurationRange range, Seconds& into)
{
    Millis millis = into;
    duration(key, range, millis);
    if (millis % Seconds{1} == Millis{0})
        into = std::chrono::duration_cast<Seconds>(millis);
    else
        errors_.add(place_of(key), name_of(key) + " is " + duration_text(millis), "whole seconds");
}

void TableReader::flag(std::string_view key, bool& into)
{
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (const auto* value = node->as_boolean())
        into = value->get();
    else
        refuse_type(*node, key, "true or false");
}

void TableReader::read_child(const toml::node& node, std::string_view key,
                             const std::function<void(TableReader&)>& read)
{
    TableReader child{*node.as_table(), name_of(key), file_, errors_};
    read(child);
    child.finish();
}

void TableReader::table(std::string_view key, const std::function<void(TableReader&)>& read)
{
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (node->is_table())
        read_child(*node, key, read);
    else
        refuse_type(*node, key, "a table, [" + name_of(key) + "]");
}

void TableReader::tables(std::string_view key, const std::function<void(TableReader&)>& read)
{
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const std::string expected = "tables, [[" + name_of(key) + "]]";
    if (!node->is_array()) return refuse_type(*node, key, expected);
    for (const toml::node& element : *node->as_array())
        if (element.is_table())
            read_child(element, key, read);
        else
            refuse_type(element, key, expected);
}

void TableReader::finish()
{
    for (const auto& [key, value] : table_) {
        const std::string_view text = key.str();
        if (std::ranges::find(known_, text) != known_.end()) continue;
        const auto& begin = key.source().begin;
        errors_.add(Place{std::string{file_}, begin.line, begin.column},
                    "unknown setting " + quoted(text) +
                        (name_.empty() ? "" : " in [" + name_ + "]"),
                    {}, nearest_name(text, known_));
    }
}
} // namespace tidemark::config
