// What a form leaves empty stays out of the address.
for (const form of document.querySelectorAll("form.search")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}
