import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', '*.config.js', 'style/'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // What comes from a container reaches the page as text nodes alone.
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Use text nodes.' },
        { property: 'outerHTML', message: 'Use text nodes.' },
        { property: 'insertAdjacentHTML', message: 'Use text nodes.' },
        { property: 'dangerouslySetInnerHTML', message: 'Use text nodes.' }
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]', message: 'Use text nodes.' }
      ],
      '@typescript-eslint/no-floating-promises': 'error'
    }
  }
);
