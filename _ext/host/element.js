/** The one maker of HTML elements for all that runs beside the figures. No markup from data. */

/**
 * An element with properties, attributes where there is no such property, and children.
 * @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag
 * @param {Record<string, any>} properties @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) Reflect.set(made, name, value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
