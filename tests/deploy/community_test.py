"""That the issue forms are such as GitHub shows (it hides a form with a mistake without a word), and that the pages for
those who come to the repository lead somewhere.
"""

import re
import unittest

import yaml

from places import ROOT

FORMS = ROOT / ".github/ISSUE_TEMPLATE"
# What an element of each type has to have, and what else it may have.
ELEMENTS = {
    "markdown": ({"value"}, set()),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}


def mistakes(form: dict) -> list[str]:
    """What GitHub would refuse."""
    found = [f"{key} is missing" for key in ("name", "description", "body") if not form.get(key)]
    known = {"name", "description", "body", "labels", "title", "assignees"}
    found += [f"{key} is unknown" for key in set(form) - known]
    ids, labels = [], []
    for element in form.get("body", []):
        attributes = element.get("attributes", {})
        if element.get("type") not in ELEMENTS:
            found.append(f"there is no type {element.get('type')}")
            continue
        needed, possible = ELEMENTS[element["type"]]
        found += [f"{element['type']} without {key}" for key in needed - set(attributes)]
        found += [f"{element['type']} with {key}" for key in set(attributes) - needed - possible]
        beside = set(element) - {"type", "id", "attributes", "validations"}
        found += [f"{element['type']}: {key} is unknown" for key in beside]
        ids.append(element.get("id"))
        labels.append(attributes.get("label"))
    for kind, values in (("id", ids), ("label", labels)):
        values = [value for value in values if value]
        found += [f"the {kind} {value} is there twice" for value in set(values) if values.count(value) > 1]
    if not set(ids) - {None}:
        found.append("there is nothing to fill in")
    return found


class Community(unittest.TestCase):
    def test_github_shows_each_form(self):
        files = [file for file in FORMS.glob("*.yml") if file.name != "config.yml"]
        forms = {file.name: yaml.safe_load(file.read_text()) for file in files}
        self.assertEqual(set(forms), {"bug.yml", "feature.yml"})
        for name, form in forms.items():
            self.assertEqual(mistakes(form), [], name)
        for change, told in (
            (lambda form: form.pop("description"), "description is missing"),
            (lambda form: form["body"][1].update(type="text"), "there is no type text"),
            (lambda form: form["body"][1]["attributes"].pop("label"), "textarea without label"),
            (lambda form: form["body"][1].update(id="check"), "the id check is there twice"),
            (lambda form: form["body"][1]["attributes"].update(required=True), "textarea with required"),
        ):
            form = yaml.safe_load((FORMS / "bug.yml").read_text())
            change(form)
            self.assertIn(told, mistakes(form))

    def test_a_bug_is_asked_for_with_its_check_and_without_secrets(self):
        form = yaml.safe_load((FORMS / "bug.yml").read_text())
        elements = {element.get("id"): element for element in form["body"]}
        self.assertIn("sessiongate check --json", elements["check"]["attributes"]["description"])
        self.assertTrue(elements["check"]["validations"]["required"])
        self.assertTrue(all(option["required"] for option in elements["clean"]["attributes"]["options"]))

    def test_a_weakness_is_led_to_where_it_is_private(self):
        private = "https://github.com/sessiongate/sessiongate/security/advisories/new"
        config = yaml.safe_load((FORMS / "config.yml").read_text())
        self.assertIs(config["blank_issues_enabled"], False)
        self.assertIn(private, [link["url"] for link in config["contact_links"]])
        for link in config["contact_links"]:
            self.assertEqual(set(link), {"name", "url", "about"})
        for file in (ROOT / "SECURITY.md", FORMS / "bug.yml"):
            self.assertIn(private, file.read_text())

    def test_what_the_pages_link_to_is_there(self):
        for name in ("SECURITY.md", "GOVERNANCE.md", "docs/supply-chain.md"):
            page = ROOT / name
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{name}: {target}")
        for target in re.findall(r"/blob/main/(\S+)", (FORMS / "config.yml").read_text()):
            self.assertTrue((ROOT / target).exists(), target)

    def test_no_file_names_owners_of_code(self):
        for folder in (ROOT, ROOT / ".github", ROOT / "docs"):
            self.assertFalse((folder / "CODEOWNERS").exists())


if __name__ == "__main__":
    unittest.main()
